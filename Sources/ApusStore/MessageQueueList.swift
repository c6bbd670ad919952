// Many queues, of which each append takes another.
//
// A queue that is taken out of an array is retained and released. Behind an append the release
// waits until the processor's stores are through: with 128 bytes of body, as long again.

/// Queues that were looked up once, to append to now one and now another of them.
@safe  // What `places` points to lives as long as `queues`, which holds it.
public struct MessageQueueList: Sendable {
    /// Holds what `places` points to.
    private let queues: [MessageQueue]
    private let places: [Unmanaged<ConsumeQueue>]

    public init(_ queues: [MessageQueue]) {
        self.queues = queues
        unsafe places = queues.map { unsafe Unmanaged.passUnretained($0.queue) }
    }

    public var count: Int { queues.count }

    /// Gives `body` the queue at `index`, which traps when there is none. Nothing is retained for
    /// it: keep the list, not the queue.
    @inline(__always)
    public func withQueue<Result>(
        at index: Int, _ body: (MessageQueue) throws -> Result
    ) rethrows -> Result {
        try unsafe places[index]._withUnsafeGuaranteedRef { try body(MessageQueue(queue: $0)) }
    }
}
