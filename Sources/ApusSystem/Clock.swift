// Time from outside: the system's, or a test's.
//
// Public, though no product shows this module, for what an append reads: see `Locks.swift`.

public import CApus
private import Glibc
private import Synchronization

/// Where the store reads the time. Tests pass a `ManualClock`.
@frozen public enum TimeSource: Sendable {
    case system
    case manual(ManualClock)

    /// Milliseconds since 1970 by the wall clock.
    @inlinable @inline(__always)
    public var wallMilliseconds: Int64 {
        switch self {
        case .system: return capus_wall_milliseconds()
        case .manual(let clock): return clock.wallMilliseconds
        }
    }

    /// Nanoseconds that never step back; the start is arbitrary. Counts suspended time.
    package var nanoseconds: Int64 {
        switch self {
        case .system: return Self.read(CLOCK_BOOTTIME)
        case .manual(let clock): return clock.nanoseconds
        }
    }

    /// Both clocks at one moment, in milliseconds. A thread that is put aside between the two looks
    /// again.
    package var bothMilliseconds: (wall: Int64, passed: Int64) {
        var before = nanoseconds
        for _ in 0..<100 {
            let wall = wallMilliseconds
            let after = nanoseconds
            if after &- before < 100_000_000 { return (wall, before / 1_000_000) }
            before = after
        }
        return (wallMilliseconds, before / 1_000_000)
    }

    /// The moment so many milliseconds from now, by `nanoseconds`; the end of time when that is
    /// later.
    package func deadline(afterMilliseconds milliseconds: Int64) -> Int64 {
        let (span, isLong) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (end, isLate) = nanoseconds.addingReportingOverflow(span)
        return isLong || isLate ? (milliseconds < 0 ? .min : .max) : end
    }

    @inline(__always)
    fileprivate static func read(_ clock: clockid_t) -> Int64 {
        var now = timespec()
        _ = unsafe clock_gettime(clock, &now)
        return Int64(now.tv_sec) &* 1_000_000_000 &+ Int64(now.tv_nsec)
    }

    /// The local date and time of a moment, as `yyyyMMddHHmmssSSS` needs it.
    package static func localCalendar(milliseconds: Int64) -> CalendarTime {
        var seconds = time_t(milliseconds / 1000)
        var parts = unsafe tm()
        _ = unsafe localtime_r(&seconds, &parts)
        return unsafe CalendarTime(
            year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
            hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec),
            millisecond: Int(milliseconds % 1000))
    }
}

/// A moment as the local calendar names it.
package struct CalendarTime: Hashable, Sendable {
    package let year, month, day, hour, minute, second, millisecond: Int
}

/// A clock that stands still until it is moved. Its two hands are those of a machine: the wall
/// clock, which may be set to anything, and the one that counts what has passed.
public final class ManualClock: Sendable {
    private let passed: Atomic<Int64>
    /// How far the wall clock is ahead of what has passed: time moves both at once.
    private let offset = Atomic<Int64>(0)

    package init(wallMilliseconds: Int64) { passed = Atomic(wallMilliseconds) }

    @inline(never)
    public var wallMilliseconds: Int64 {
        passed.load(ordering: .relaxed) &+ offset.load(ordering: .relaxed)
    }
    package var nanoseconds: Int64 { passed.load(ordering: .relaxed) &* 1_000_000 }

    /// Time passes.
    package func advance(milliseconds: Int64) {
        passed.wrappingAdd(milliseconds, ordering: .relaxed)
    }

    /// Someone sets the wall clock, on or back; no time passes.
    package func step(milliseconds: Int64) {
        offset.wrappingAdd(milliseconds, ordering: .relaxed)
    }
}

/// Nanoseconds that never step back, for waits of microseconds: of the machine, whatever a test's
/// clock says.
package func steadyNanoseconds() -> Int64 { TimeSource.read(CLOCK_MONOTONIC) }

/// Nanoseconds of processor time that the calling thread has used.
package func threadNanoseconds() -> Int64 { TimeSource.read(CLOCK_THREAD_CPUTIME_ID) }

/// 64 random bits from the system, never 0.
package func randomNonzero() -> UInt64 { UInt64.random(in: 1...UInt64.max) }

/// The process id.
package func processID() -> Int32 { getpid() }
