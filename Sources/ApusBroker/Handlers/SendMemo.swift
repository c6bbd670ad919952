// What the broker keeps for a connection that sends: a producer sends to the same topic again and
// again.
//
// Everything in it is reached without a lock and without counting references. A count that goes up
// and down takes as long as thirty instructions, and a send on its general way has a dozen of them.

import ApusFormat
import ApusStore
import Synchronization

/// A topic as it was found for a send before, with those of its queues that were asked for. Nothing
/// in it changes but what it notes about the sends that come. Of one connection, on its event loop.
@safe final class SendMemo {
    private let topic: Topic
    private let queues: [MessageQueue?]
    /// Of the table of topics, before the topic was looked up.
    private let generation: Int
    /// Whether its consumers take messages with several tags.
    let isMultiTag: Bool

    /// The topic's name, and behind it what all properties end with.
    private let bytes: UnsafeMutableRawBufferPointer
    private let nameCount: Int
    /// The same queues, which `queues` holds.
    private let places: UnsafeMutableBufferPointer<Unmanaged<ConsumeQueue>?>

    /// The topic of the last send, if that was to another one.
    private var other: ObjectIdentifier?
    /// A queue was asked for that would be among those that are kept now.
    private var isStale = false

    private static let queueLimit = 64

    init(_ topic: Topic, generation: Int, suffix: [UInt8]) {
        self.topic = topic
        self.generation = generation
        isMultiTag = topic.settings.filterType == .multiTag
        queues = topic.knownQueues(Self.queueLimit)
        let name = Array(topic.name.utf8)
        nameCount = name.count
        // Safe: both are as long as what is put into them at once, and freed with this object.
        unsafe bytes = .allocate(byteCount: name.count + suffix.count, alignment: 1)
        unsafe bytes.copyBytes(from: name + suffix)
        unsafe places = .allocate(capacity: queues.count)
        _ = unsafe places.initialize(
            from: queues.map { unsafe $0.map { unsafe Unmanaged.passUnretained($0.queue) } })
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe places.deallocate()
    }

    /// What all properties end with.
    var suffix: RawSpan {
        @_lifetime(borrow self) get { span(from: nameCount, to: unsafe bytes.count) }
    }

    @inline(__always) @_lifetime(borrow self)
    private func span(from start: Int, to end: Int) -> RawSpan {
        // Safe: the memory is this object's, is never written again, and the span borrows it.
        let all = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes))
        return unsafe _overrideLifetime(all.extracting(start..<end), borrowing: self)
    }

    /// Whether a send to the topic of this name may go by what is kept here.
    @inline(__always)
    func fits(_ name: RawSpan, generation: Int) -> Bool {
        guard generation == self.generation, !isStale,
            span(from: 0, to: nameCount).isEqual(to: name)
        else { return false }
        other = nil
        return true
    }

    /// Gives `body` the queue of this number; false when that is not known.
    @inline(__always)
    func withQueue(_ id: Int32, _ body: (ConsumeQueue) -> Void) -> Bool {
        let place = Int(id)
        // Safe: `queues` holds what is there as long as this object lives, which its caller holds.
        guard place >= 0, unsafe place < places.count, let queue = unsafe places[place] else {
            if place >= 0, place < Self.queueLimit { isStale = true }
            return false
        }
        unsafe queue._withUnsafeGuaranteedRef { body($0) }
        return true
    }

    /// One more message was sent to the topic.
    @inline(__always)
    func count() { topic.messagesIn.wrappingAdd(1, ordering: .relaxed) }

    /// Whether something else is to be kept, after a send to this topic that went its general way.
    /// Not for the first one to another topic: who sends to several in turn would have something
    /// made for each send.
    func isOver(after topic: Topic, generation: Int) -> Bool {
        if topic === self.topic { return isStale || generation != self.generation }
        let id = ObjectIdentifier(topic)
        if id == other { return true }
        other = id
        return false
    }
}
