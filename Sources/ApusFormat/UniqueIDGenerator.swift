// Makes unique ids for one producer; any thread may ask, and none waits.

import Synchronization

/// Makes the ids of a producer's messages. Up to 65,536 ids a millisecond are different.
public final class UniqueIDGenerator: Sendable {
    /// The address in all ids; its port is not used.
    public let host: HostAddress
    /// The low 16 bits of the process id.
    public let processID: UInt16
    /// Tells several generators of one process apart: draw it at random.
    public let instance: Int32

    // Has no partner: only that no two callers get one number matters.
    private let counter: Atomic<UInt16>
    // Has no partner: a day since 1970, and in the lower 8 bits how many days of its month are
    // before it. Whoever finds another day looks it up.
    private let lastDay = Atomic<Int64>(-1)

    public init(host: HostAddress, processID: Int32, instance: Int32, firstCounter: UInt16 = 0) {
        self.host = host
        self.processID = UInt16(truncatingIfNeeded: processID)
        self.instance = instance
        self.counter = Atomic(firstCounter)
    }

    /// The next id, made at `milliseconds` since 1970. `secondsFromUTC` (east is positive) decides
    /// when months begin: Java takes the client's local time.
    public func next(milliseconds: Int64, secondsFromUTC: Int32 = 0) -> String {
        nextID(milliseconds: milliseconds, secondsFromUTC: secondsFromUTC).text
    }

    /// The same, not as text yet: nothing is allocated.
    public func nextID(milliseconds: Int64, secondsFromUTC: Int32 = 0) -> UniqueID {
        let (time, number) = nextParts(milliseconds: milliseconds, secondsFromUTC: secondsFromUTC)
        return id(time, number)
    }

    /// What the next id has that others of this generator have not.
    package func nextParts(
        milliseconds: Int64, secondsFromUTC: Int32 = 0
    ) -> (millisecondsOfMonth: UInt32, counter: UInt16) {
        (
            UInt32(truncatingIfNeeded: milliseconds &- monthStart(milliseconds, secondsFromUTC)),
            counter.wrappingAdd(1, ordering: .relaxed).oldValue
        )
    }

    /// The id with these parts.
    package func id(_ millisecondsOfMonth: UInt32, _ counter: UInt16) -> UniqueID {
        UniqueID(
            host: host, processID: processID, instance: instance,
            millisecondsOfMonth: millisecondsOfMonth, counter: counter)
    }

    /// The digits with which all ids of this generator begin: twelve follow.
    package var start: [UInt8] {
        var bytes: [UInt8] = []
        id(0, 0).appendText(to: &bytes)
        return bytes.dropLast(12)
    }

    /// Where the month of a moment begins: looked up once for each day of UTC, since it is asked
    /// for each message.
    private func monthStart(_ milliseconds: Int64, _ secondsFromUTC: Int32) -> Int64 {
        guard secondsFromUTC == 0, milliseconds >= 0 else {
            return Month(containing: milliseconds, secondsFromUTC: secondsFromUTC).start
        }
        let day = milliseconds / Self.millisecondsOfDay
        let known = lastDay.load(ordering: .relaxed)
        if known >> 8 == day { return (day &- (known & 0xFF)) &* Self.millisecondsOfDay }
        let start = Month(containing: milliseconds, secondsFromUTC: 0).start
        let daysBefore = day &- start / Self.millisecondsOfDay
        lastDay.store(day << 8 | daysBefore, ordering: .relaxed)
        return start
    }

    private static let millisecondsOfDay: Int64 = 86_400_000
}
