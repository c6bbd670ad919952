// Brings pages in before they are written: those ahead of the writer, into the next segment too.

package import ApusSystem
package import Synchronization

/// Brings in pages ahead of the writer, and tells the maker of segments how far it is.
package final class Preallocator: Agent {
    private let settings: CommitLogSettings
    private let writer: PageAlignedWriter?
    let maker: SegmentMaker
    /// The segment being written and how far; set by the CommitLog.
    private let reached: Mutex<(segment: Segment, position: Int)?> = Mutex(nil)
    /// The physical offset at which an appender is to call `follow`.
    package let wakeAt = Atomic<Int64>(0)
    private let time: TimeSource
    private let courtesy: Courtesy
    /// How far ahead pages are brought in: moved by the agent.
    private let window: Mutex<PopulateWindow>
    /// Bytes that are worth a write that nobody waits for.
    private static let leastWrite: Int64 = 1 << 20
    private var populatesWholeSegment: Bool { writer == nil && settings.populatesWholeSegment }
    /// Rung by an appender that crossed the wake mark.
    package let signal = Signal()

    init(
        disk: any Disk, directory: StoreDirectory, settings: CommitLogSettings,
        writer: PageAlignedWriter?, courtesy: Courtesy, time: TimeSource,
        observer: (any StoreObserver)?
    ) {
        self.settings = settings
        self.writer = writer
        self.time = time
        self.courtesy = courtesy
        maker = SegmentMaker(
            disk: disk, directory: directory, settings: settings, isStaged: writer != nil,
            observer: observer, whenMade: signal)
        // Pages of the process's own memory are few: they are given back when they are in the file.
        let least = settings.populateAheadByteCount
        window = Mutex(
            writer == nil
                ? PopulateWindow(least: least, most: least * PopulateWindow.growth)
                : PopulateWindow(least: min(least, 4 << 20), most: min(least, 4 << 20)))
    }

    package var roleName: String { "prepare" }
    package var idleNanoseconds: Int64? { nil }

    /// Whether all that was asked for was done.
    var isIdle: Bool { reached.withLock { $0 == nil } }

    /// Whether pages are left to be brought in: ahead of the writer, or of the next segment, made
    /// or to be made.
    var isPreparing: Bool {
        // In the order in which work is handed on, so that it is met at one place or the next.
        guard isIdle, maker.isIdle else { return true }
        guard let next = maker.prepared else { return false }
        return next.populatedByteCount < preparedLimit(next)
    }

    /// Where the writer stands now: pages ahead of it are brought in, and the next segment made
    /// once it is past the middle of this one.
    package func follow(_ segment: Segment, position: Int) {
        wakeAt.store(.max, ordering: .relaxed)
        reached.withLock { held in
            // An appender that was late may come with the segment before.
            if let held, held.segment.base > segment.base { return }
            held = (segment, position)
        }
        signal.ring()
    }

    /// Brings the pages of the writer's window in at once, so that the first appends after an open
    /// find them there.
    package func prepareWindow(_ segment: Segment, position: Int) {
        segment.skipPopulating(to: position)
        let ahead = window.withLock { $0.byteCount }
        let limit = populatesWholeSegment ? segment.bytes.count : position + ahead
        _ = segment.populate(upTo: limit, step: limit)
    }

    package func doWork() -> Int {
        guard let (segment, position) = reached.withLock({ $0 }) else {
            populatePrepared()
            return 0
        }
        if let writer {
            // What waits for no sync would stay in memory. A failure is met again by who does wait.
            // Little was left behind by commits that are under way, which would wait for this.
            let end = segment.base + Int64(position)
            if end - writer.written.load(ordering: .relaxed) >= Self.leastWrite {
                _ = try? writer.write(upTo: end)
            }
            // Memory that was given back must not come again.
            segment.skipPopulating(to: position)
        }
        let now = time.nanoseconds
        maker.follow(segment, position: position, at: now)
        let ahead = window.withLock { $0.follow(segment.base + Int64(position), at: now) }
        let limit = populatesWholeSegment ? segment.bytes.count : position + ahead
        var (done, count) = (populate(segment, upTo: limit), segment.bytes.count)
        // Those that are needed first come first.
        populatePrepared()
        if done == count, let next = maker.prepared, next.base == segment.end {
            done += populate(next, upTo: limit - count)
            count += next.bytes.count
        }
        reached.withLock { held in
            if held?.segment === segment, held?.position == position { held = nil }
        }
        // Where there is nothing left to bring in, it would be asked at each append.
        var wakeAt = ahead > 0 && done < count ? max(position + 1, done - ahead / 4 * 3) : .max
        if position < segment.bytes.count / 2 { wakeAt = min(wakeAt, segment.bytes.count / 2) }
        if writer != nil { wakeAt = min(wakeAt, position + Int(Self.leastWrite)) }
        if wakeAt < segment.bytes.count {
            self.wakeAt.store(segment.base + Int64(wakeAt), ordering: .relaxed)
        }
        return 1
    }

    /// The first pages of a segment that was made, or all of them.
    private func populatePrepared() {
        guard let next = maker.prepared else { return }
        _ = populate(next, upTo: preparedLimit(next))
    }

    private func preparedLimit(_ next: Segment) -> Int {
        populatesWholeSegment
            ? next.bytes.count : min(next.bytes.count, window.withLock { $0.least })
    }

    /// In steps: whoever needs a page of those that are being brought in waits for a step's end.
    private func populate(_ segment: Segment, upTo limit: Int) -> Int {
        let limit = min(limit, segment.bytes.count)
        let step = 4 << 20
        var work = courtesy.begin()
        var done = segment.populate(upTo: limit, step: step) { work.endPiece() }
        while done < limit {
            let before = done
            done = segment.populate(upTo: limit, step: step) { work.endPiece() }
            if done == before { break }
        }
        return done
    }
}
