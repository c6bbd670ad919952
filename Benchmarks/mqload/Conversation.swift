// What one connection says and hears.

import NIOCore

/// One end of a connection: makes requests, and understands answers. On one event loop.
protocol Conversation: SendableMetatype {
    /// Requests that may be under way at a time.
    var slots: Int { get }

    /// Whether it records latencies of its own, and how long its requests take says nothing.
    var isTimingItself: Bool { get }

    /// Appends the request of `slot`, which is due at `due` by the monotonic clock.
    mutating func ask(slot: Int, due: Int64, into out: inout ByteBuffer)

    /// Takes bytes as they came at `now`, and tells of each answer that they complete.
    mutating func hear(
        _ bytes: RawSpan, at now: Int64, _ answered: (_ slot: Int, _ answer: Answer) -> Void
    ) throws
}

extension Conversation {
    var isTimingItself: Bool { false }
}

/// Numbers of requests, by which answers find their slots. All have ten digits, so that one takes
/// another's place in a header of JSON.
struct Tickets {
    private var generations: [Int32]
    static let first: Int32 = 1_000_000_000

    var slots: Int { generations.count }

    init(slots: Int) { generations = Array(repeating: 0, count: slots) }

    /// A number for the next request of `slot`.
    mutating func next(slot: Int) -> Int32 {
        let count = Int32(generations.count)
        generations[slot] = (generations[slot] &+ 1) % (Self.first / count)
        return Self.first &+ generations[slot] &* count &+ Int32(slot)
    }

    /// The slot whose last request had this number; nil for any other number.
    func slot(of opaque: Int32) -> Int? {
        let place = opaque &- Self.first
        guard place >= 0 else { return nil }
        let count = Int32(generations.count)
        let slot = Int(place % count)
        return generations[slot] == place / count ? slot : nil
    }
}

/// An answer that this program cannot go on after.
struct BadAnswer: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
