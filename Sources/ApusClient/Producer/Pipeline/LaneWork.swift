// What a lane has to send, and waits for answers to.

internal import ApusFormat
internal import ApusRemoting

/// A message that is stored, until that is told. Made a receipt of then: what is copied less often
/// costs less.
struct StoredMessage: Sendable {
    let number: Int
    let begun: Int64
    let parts: StoredParts
    let queue: MessageQueue
    let idTime: UInt32
    let idCounter: UInt16

    func receipt(_ generator: UniqueIDGenerator) -> SendReceipt {
        parts.receipt(queue, generator.id(idTime, idCounter))
    }
}

/// The batches of a lane. A message's tag is the number of its batch and its place in it.
struct LaneWork: Sendable {
    struct Answered: Sendable {
        let slot: FrameSlot
        let queue: MessageQueue
        /// The last one of its run.
        let isLast: Bool
    }

    /// Oldest first. Only the last one has messages that were not sent.
    var batches: [FrameBatch] = []
    private var firstBatch = 0
    /// Empty ones, for their memory.
    private var spare: [FrameBatch] = []
    /// Sent, and neither told nor failed.
    var underWay = 0
    /// Answered, and not told yet.
    var stored: [StoredMessage] = []
    var storedBytes = 0
    var spareStored: [StoredMessage] = []

    var unsent: Int { batches.last?.unsent ?? 0 }

    var tagOfNext: Int {
        (firstBatch + batches.count - 1) << 32 | (batches.last?.sent ?? 0)
    }

    /// Takes what was filled, and leaves an empty batch for it.
    mutating func take(_ filled: inout FrameBatch) {
        retire()
        var batch = spare.popLast() ?? FrameBatch()
        swap(&batch, &filled)
        batches.append(batch)
    }

    /// Where the message with this tag is; nil when its batch is over.
    private func place(_ tag: Int) -> (batch: Int, slot: Int)? {
        let batch = tag >> 32 - firstBatch
        return batches.indices.contains(batch) ? (batch, tag & 0xFFFF_FFFF) : nil
    }

    /// The message has its answer; nil when it had one.
    mutating func end(_ tag: Int) -> Answered? {
        guard let (batch, place) = place(tag), let found = batches[batch].end(place) else {
            return nil
        }
        return Answered(
            slot: found.slot, queue: batches[batch].queue(of: found.slot), isLast: found.isLast)
    }

    /// Where a message was sent to, until its batch is let go of.
    func target(_ tag: Int, _ slot: FrameSlot) -> SendTarget? {
        place(tag).map { batches[$0.batch].target(of: slot) }
    }

    /// The message has its answer, which says that it is stored. Says how many are to be told, 0
    /// when it had an answer before, and whether it was the last one of its run.
    mutating func end(_ tag: Int, _ parts: StoredParts) -> (count: Int, isLast: Bool) {
        guard let (batch, place) = place(tag), let (slot, isLast) = batches[batch].end(place) else {
            return (0, false)
        }
        stored.append(
            StoredMessage(
                number: slot.number, begun: slot.begun, parts: parts,
                queue: batches[batch].queue(of: slot), idTime: slot.idTime,
                idCounter: slot.idCounter))
        storedBytes += Int(slot.bytes)
        return (stored.count, isLast)
    }

    /// What was sent as this, until its batch is let go of.
    func prepared(_ tag: Int, _ generator: UniqueIDGenerator) -> PreparedSend? {
        place(tag).flatMap { batches[$0.batch].prepared($0.slot, generator) }
    }

    /// Lets go of batches that are over: on the event loop, when it is not about to look into one.
    mutating func retire() {
        while !batches.isEmpty, batches[0].isOver {
            var batch = batches.removeFirst()
            firstBatch += 1
            if spare.count < Self.spareCount {
                batch.removeAll()
                spare.append(batch)
            }
        }
    }

    /// Takes out what was not sent.
    mutating func removeUnsent(_ generator: UniqueIDGenerator) -> [FailedSend] {
        var left: [FailedSend] = []
        for batch in batches.indices {
            for place in batches[batch].sent..<batches[batch].slots.count {
                let send = batches[batch].prepared(place, generator)
                guard let (slot, _) = batches[batch].end(place) else { continue }
                left.append(
                    FailedSend(slot, send, target: nil, outcome: nil, hasPlace: false))
            }
            batches[batch].skipUnsent()
        }
        return left
    }

    private static let spareCount = 3
}
