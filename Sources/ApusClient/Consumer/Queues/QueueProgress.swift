// What of a queue is here and not done: a state without clock, lock or network.
//
// Messages come in pulls, are handed out one after the other, and are done in any order. What may
// be committed is the offset of the first one that is not done; when all are, the next pull's.

/// How far a member has come in a queue.
struct QueueProgress: Sendable {
    private struct Pull: Sendable {
        let messages: [ReceivedMessage]
        var isDone: [Bool]
        /// The first that is not done.
        var low = 0
        let byteCount: Int
        /// Messages that were not handed out yet begin here.
        var next = 0
    }

    /// Where the next pull begins.
    private(set) var nextOffset: Int64
    /// Messages that are here: handed out or not, not done.
    private(set) var count = 0
    private(set) var byteCount = 0
    /// Of the pulls that are not done, in order; the first has the number `firstPull`.
    private var pulls: [Pull] = []
    private var firstPull = 0
    /// The first pull with messages that were not handed out.
    private var handing = 0

    init(at offset: Int64) { nextOffset = offset }

    /// What may be committed.
    var commitOffset: Int64 {
        guard let pull = pulls.first else { return nextOffset }
        return pull.messages[pull.low].queueOffset
    }

    /// How far apart the first message that is not done and the next pull are.
    var span: Int64 { nextOffset - commitOffset }

    /// Messages that wait to be handed out.
    var hasWaiting: Bool { handing < firstPull + pulls.count }

    /// Takes what a pull brought; `next` is where the next one begins.
    mutating func add(_ messages: [ReceivedMessage], next: Int64) {
        nextOffset = next
        if messages.isEmpty { return }
        let bytes = messages.reduce(0) { $0 + $1.bodyByteCount }
        pulls.append(
            Pull(
                messages: messages, isDone: Array(repeating: false, count: messages.count),
                byteCount: bytes))
        count += messages.count
        byteCount += bytes
    }

    /// The next messages, at most `limit`, all of one pull.
    mutating func handOut(_ limit: Int) -> HandedOut? {
        guard hasWaiting else { return nil }
        let place = handing - firstPull
        let start = pulls[place].next
        let end = min(start + limit, pulls[place].messages.count)
        pulls[place].next = end
        let number = handing
        if end == pulls[place].messages.count { handing += 1 }
        return HandedOut(
            pull: number, range: start..<end, messages: pulls[place].messages[start..<end])
    }

    /// Those are done. What belongs to an earlier life of the queue is none of its business.
    mutating func finish(_ handed: HandedOut) {
        let place = handed.pull - firstPull
        guard pulls.indices.contains(place) else { return }
        for index in handed.range where !pulls[place].isDone[index] {
            pulls[place].isDone[index] = true
            count -= 1
        }
        while let first = pulls.first {
            var low = first.low
            while low < first.isDone.count, first.isDone[low] { low += 1 }
            pulls[0].low = low
            if low < first.isDone.count { break }
            byteCount -= first.byteCount
            pulls.removeFirst()
            firstPull += 1
        }
    }

    /// Begins anew at another offset: what is here is forgotten, and what is done of it later does
    /// not count.
    mutating func reset(to offset: Int64) {
        firstPull += pulls.count
        handing = firstPull
        pulls = []
        count = 0
        byteCount = 0
        nextOffset = offset
    }
}

/// Messages in somebody's hands.
struct HandedOut: Sendable {
    let pull: Int
    let range: Range<Int>
    let messages: ArraySlice<ReceivedMessage>
}
