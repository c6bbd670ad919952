// What the broker counts while it runs. Since its start; nothing is kept.

import Synchronization

/// Counters that any thread adds to; each is exact, and no two are read at one moment.
final class BrokerStatistics: Sendable {
    let messagesIn = Atomic<Int>(0)
    let messagesOut = Atomic<Int>(0)
    let bytesIn = Atomic<Int>(0)
    let bytesOut = Atomic<Int>(0)
    /// Appends that wait for the device.
    let waitingSends = Atomic<Int>(0)
    /// Replies that wait for their requester, or for the device.
    let waitingReplies = Atomic<Int>(0)

    func sent(messages: Int, bytes: Int) {
        messagesIn.wrappingAdd(messages, ordering: .relaxed)
        bytesIn.wrappingAdd(bytes, ordering: .relaxed)
    }

    func pulled(messages: Int, bytes: Int) {
        messagesOut.wrappingAdd(messages, ordering: .relaxed)
        bytesOut.wrappingAdd(bytes, ordering: .relaxed)
    }
}
