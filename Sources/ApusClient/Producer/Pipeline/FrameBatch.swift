// Messages of a pipeline as whole requests, one behind the other. The sender's thread fills a
// batch, the event loop takes it as it is and sends it, in one or several runs; it is kept until
// all of its messages have been answered, and its memory is filled again.

internal import ApusFormat
internal import ApusRemoting

/// A message in a batch.
struct FrameSlot: Sendable {
    /// What the pipeline calls the message.
    var number: Int
    /// Where its request begins.
    var start: Int
    /// What it takes of windows.
    var bytes: Int32
    /// Which of the batch's routes it goes by, and to which target of it.
    var route: Int32
    var target: Int32
    /// The parts of its id that differ.
    var idTime: UInt32
    var idCounter: UInt16
    var isDone = false
    /// Which run of the batch it went with.
    var run: Int32 = 0
    /// When it was handed over, in nanoseconds, where somebody wants to know.
    var begun: Int64 = 0
    /// Whether a retry must find the same queue, and by which key.
    var shardingKey: String?
}

/// Some messages on their way to one broker.
struct FrameBatch: Sendable {
    /// Nearly always one: that of the topic.
    private var routes: [PublishRoute] = []
    /// Of each route, those of its targets.
    private var queues: [[MessageQueue]] = []
    var frames = RequestFrames()
    var slots: [FrameSlot] = []
    /// How many of each run are not answered.
    private(set) var runs: [Int] = []
    private(set) var sent = 0
    private(set) var done = 0

    var isEmpty: Bool { slots.isEmpty }
    var unsent: Int { slots.count - sent }
    /// Nothing of it is needed any more.
    var isOver: Bool { done == slots.count }

    /// Which of `routes` that is.
    mutating func place(of route: PublishRoute) -> Int32 {
        if let place = routes.lastIndex(where: { $0 === route }) { return Int32(place) }
        routes.append(route)
        queues.append(route.queues)
        return Int32(routes.count - 1)
    }

    /// Where a message goes.
    func target(of slot: FrameSlot) -> SendTarget {
        routes[Int(slot.route)].targets[Int(slot.target)]
    }

    func queue(of slot: FrameSlot) -> MessageQueue { queues[Int(slot.route)][Int(slot.target)] }

    /// So many of the next messages, and what they take of windows: one at least, if there is one.
    func next(atMost count: Int, bytes limit: Int) -> (count: Int, bytes: Int) {
        var (found, sum) = (0, 0)
        let most = min(count, slots.count - sent)
        while found < most {
            let more = Int(slots[sent + found].bytes)
            if found > 0, sum + more > limit { break }
            found += 1
            sum += more
        }
        return (found, sum)
    }

    /// Numbers the requests of the next `count` messages, from `first` on, and sends them. False
    /// when the connection is closed: nothing was sent then.
    mutating func send(next count: Int, from first: Int32, on connection: Connection) -> Bool {
        let end = sent + count
        for place in sent..<end {
            frames.setOpaque(first + Int32(place - sent), at: slots[place].start)
            slots[place].run = Int32(runs.count)
        }
        let bytes = slots[sent].start..<(end < slots.count ? slots[end].start : frames.byteCount)
        guard connection.send(run: first, frames.bytes(bytes)) else { return false }
        runs.append(count)
        sent = end
        return true
    }

    /// What was not sent never will be, from here.
    mutating func skipUnsent() { sent = slots.count }

    /// The message at `place` has been answered: says what it is, and whether it was the last one
    /// of its run. Nil when it had been answered before.
    mutating func end(_ place: Int) -> (slot: FrameSlot, isLast: Bool)? {
        guard slots.indices.contains(place), !slots[place].isDone else { return nil }
        slots[place].isDone = true
        done += 1
        let slot = slots[place]
        guard place < sent else { return (slot, false) }
        runs[Int(slot.run)] -= 1
        return (slot, runs[Int(slot.run)] == 0)
    }

    /// What stands in the request of a message, for whoever sends it another way.
    func prepared(_ place: Int, _ generator: UniqueIDGenerator) -> PreparedSend? {
        let slot = slots[place]
        let end = place + 1 < slots.count ? slots[place + 1].start : frames.byteCount
        return PreparedSend(
            frames.bytes(slot.start..<end), topic: routes[Int(slot.route)].topic,
            generator.id(slot.idTime, slot.idCounter))
    }

    /// Empty again, with its memory.
    mutating func removeAll() {
        routes.removeAll(keepingCapacity: true)
        queues.removeAll(keepingCapacity: true)
        frames.removeAll(keeping: Self.keptBytes)
        slots.removeAll(keepingCapacity: slots.capacity <= Self.keptSlots)
        runs.removeAll(keepingCapacity: true)
        sent = 0
        done = 0
    }

    private static let keptBytes = 1 << 20
    private static let keptSlots = 4096
}
