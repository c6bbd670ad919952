// What the store should hold, kept in the plainest way.

import ApusStore

/// A log in memory.
struct Model: Sendable {
    /// Every message that is in the log or was deleted from its front, in order.
    private(set) var placed: [PlacedMessage] = []
    /// Positions in `placed` of the messages of each queue, by queue offset.
    private(set) var queues: [QueueName: [Int]] = [:]
    /// Everything below was promised to survive a power cut.
    var promised: Int64 = 0
    /// Everything below was promised to survive the end of the process.
    var answered: Int64 = 0

    mutating func add(_ one: PlacedMessage) {
        if one.sent.isQueued { queues[one.sent.queue, default: []].append(placed.count) }
        placed.append(one)
    }

    /// What the next message of a queue is to be numbered.
    func nextOffset(_ queue: QueueName) -> Int64 { Int64(queues[queue]?.count ?? 0) }

    /// Where the last record ends.
    var end: Int64 { placed.last?.end ?? 0 }

    /// Takes away what lies at or behind `end`; answers false when a record reaches over it.
    mutating func cut(at end: Int64) -> Bool {
        while let last = placed.last, last.end > end {
            if last.physicalOffset < end { return false }
            placed.removeLast()
            if last.sent.isQueued { queues[last.sent.queue]?.removeLast() }
        }
        return true
    }

    /// The first message that a log which starts at `start` still holds.
    func firstKept(_ start: Int64) -> Int {
        var low = 0
        var high = placed.count
        while low < high {
            let middle = (low + high) / 2
            if placed[middle].physicalOffset < start { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The lowest queue offset whose message is kept.
    func minimumOffset(_ queue: QueueName, start: Int64) -> Int64 {
        let all = queues[queue] ?? []
        let first = firstKept(start)
        return Int64(all.firstIndex { $0 >= first } ?? all.count)
    }
}
