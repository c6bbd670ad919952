// For how long a message that was acknowledged was not yet on the device.

import ApusStore
import ApusSystem
import CRoofline
import Foundation
import Synchronization

/// Follows two marks of a log, what is acknowledged and what is on the device, from looks at both.
///
/// A message counts as acknowledged from the look before the one that showed it: the answer is
/// never too short by more than the time between two looks.
struct ExposureTrace {
    private var marks: [(end: Int64, since: Int64)] = []
    /// The oldest mark that is not on the device.
    private var first = 0
    private var lastLook: Int64?
    private var end: Int64
    /// The longest time so far, in the unit of the looks.
    private(set) var longest: Int64 = 0

    /// `end`: what was on the device when it began.
    init(end: Int64) { self.end = end }

    mutating func look(at now: Int64, acknowledged: Int64, flushed: Int64) {
        if acknowledged > end {
            marks.append((acknowledged, lastLook ?? now))
            end = acknowledged
        }
        while first < marks.count, marks[first].end <= flushed { first += 1 }
        if first < marks.count { longest = max(longest, now - marks[first].since) }
        if first > 4_096 {
            marks.removeFirst(first)
            first = 0
        }
        lastLook = now
    }
}

/// A thread that looks at the marks of a store twice a millisecond.
final class ExposureWatch: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let trace: Mutex<ExposureTrace>
    private let thread: Mutex<SystemThread?>

    init(_ store: MessageStore) throws {
        trace = Mutex(ExposureTrace(end: store.flushed))
        thread = Mutex(nil)
        let started = try SystemThread(name: "bench-exposure") { [self] in
            while !isOver.load(ordering: .acquiring) {
                let now = croofline_now()
                // In this order: what is on the device was acknowledged.
                let flushed = store.flushed
                let acknowledged = store.published
                trace.withLock { $0.look(at: now, acknowledged: acknowledged, flushed: flushed) }
                SystemThread.sleep(nanoseconds: 500_000)
            }
        }
        thread.withLock { $0 = started }
    }

    /// Ends the thread and answers the longest exposure in nanoseconds.
    func stop() -> Int64 {
        isOver.store(true, ordering: .releasing)
        thread.withLock { $0 }?.join()
        return trace.withLock { $0.longest }
    }
}
