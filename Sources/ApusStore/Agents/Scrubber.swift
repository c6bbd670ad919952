// Reads what was flushed again and checks it whole, so that damage is found before a consumer does.
//
// Reads only, with `pread` past the mapping: a bad sector or a file that someone cut short is an
// error here, not a signal. A step holds the segment that it reads, so that the cleaner cuts
// nothing under it; between steps it holds none. Each stretch of damage is noted in the log, which
// serves nothing of it any more, and told of once.

import ApusFormat
import ApusSystem
import Synchronization

/// Checks the flushed part of the log, so many bytes a second.
final class Scrubber: Sendable, Agent {
    private struct State: Sendable {
        var progress = ScrubProgress()
        /// What the pass under way ends at; nil between passes.
        var target: Int64?
        /// When that pass began, or the next one is due.
        var passStart: Int64
        /// Bytes that may be read now. Below 0 after a record larger than a step.
        var allowance: Int64 = 0
        var lastRefill: Int64
    }

    private let log: CommitLog
    private let settings: ScrubSettings
    /// Bytes read in one step.
    private let step: Int
    private let state: Mutex<State>
    let signal = Signal()

    /// From opening to the first pass: a store that is opened for a moment is not read whole.
    private static let delayNanoseconds: Int64 = 60_000_000_000

    init(_ log: CommitLog) {
        self.log = log
        settings = log.configuration.scrub
        step = min(512 << 10, max(4096, settings.bytesPerSecond / 4))
        let now = log.time.nanoseconds
        state = Mutex(State(passStart: now + Self.delayNanoseconds, lastRefill: now))
    }

    var roleName: String { "scrub" }

    var progress: ScrubProgress { state.withLock { $0.progress } }

    var idleNanoseconds: Int64? {
        let now = log.time.nanoseconds
        return state.withLock { state in
            let longest: Int64 = 60_000_000_000
            guard state.target != nil else {
                return min(max(state.passStart - now, 1_000_000_000), longest)
            }
            // In doubles, whose sums do not overflow.
            let missing = Double(Int64(step) - state.allowance)
            let wait = missing / Double(settings.bytesPerSecond) * 1e9
            return min(max(Int64(wait), 1_000_000), longest)
        }
    }

    /// Checks a step's worth of bytes when they are due.
    func doWork() -> Int {
        let now = log.time.nanoseconds
        let events = state.withLock { state -> [StoreEvent] in
            guard isDue(&state, now) else { return [] }
            return check(&state)
        }
        // Not under the lock: an observer may ask for the progress.
        for event in events { log.observer?.storeDid(event) }
        return 0
    }

    /// Begins a pass when it is time for one; whether a step may be made now.
    private func isDue(_ state: inout State, _ now: Int64) -> Bool {
        let elapsed = Double(max(0, now - state.lastRefill)) / 1e9
        state.lastRefill = now
        let most = Double(step)
        let refilled = Double(state.allowance) + elapsed * Double(settings.bytesPerSecond)
        state.allowance = Int64(min(most, refilled))
        if state.target == nil {
            guard now >= state.passStart else { return false }
            state.passStart = now
            state.target = log.flushed.load(ordering: .acquiring)
            state.progress.position = log.start.load(ordering: .acquiring)
        }
        return state.allowance >= Int64(step)
    }
}

// MARK: - A step

extension Scrubber {
    /// Checks records from where the pass is, until a step's worth of bytes was read or the segment
    /// ends. Answers what is to be told.
    private func check(_ state: inout State) -> [StoreEvent] {
        guard let target = state.target else { return [] }
        // What was deleted meanwhile needs no check.
        let offset = max(state.progress.position, log.start.load(ordering: .acquiring))
        guard offset < target, let segment = log.segments.segment(containing: offset) else {
            endPass(&state)
            return []
        }
        let path = log.directory.segment(base: segment.base)
        var walk = ScrubWalk(log: log, segment: segment, path: path, offset: offset, target: target)
        walk.run(windowByteCount: step)
        state.allowance -= Int64(walk.readByteCount)
        state.progress.byteCount += walk.offset - offset
        state.progress.position = walk.offset
        state.progress.findingCount += walk.events.count
        forget(segment, from: offset, to: walk.offset)
        if walk.offset >= target { endPass(&state) }
        return walk.events
    }

    private func endPass(_ state: inout State) {
        state.target = nil
        state.passStart += settings.intervalHours * 3_600_000_000_000
        state.progress.passCount += 1
        state.progress.lastPassEnd = log.time.wallMilliseconds
    }

    /// Whole pages only: the last one may be in use by an appender.
    private func forget(_ segment: Segment, from: Int64, to: Int64) {
        let first = segment.position(of: from) & ~4095
        let end = min(segment.bytes.count, segment.position(of: to)) & ~4095
        if end > first { segment.file.forget(from: first, count: end - first) }
    }
}
