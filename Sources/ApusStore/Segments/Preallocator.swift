// Makes room before it is written: the next segment, and the pages ahead of the writer.
//
// The only maker of CommitLog files after recovery. An appender that needs the next segment before
// it is ready makes it here itself, under the same lock, so that no two make one.

package import ApusSystem
package import Synchronization

/// Prepares segments ahead of the writer.
package final class Preallocator: @unchecked Sendable, Agent {
    // Sendable: `next` and `newest` are touched under `lock` only; the rest is constant or atomic.
    private let disk: any Disk
    private let directory: StoreDirectory
    private let settings: CommitLogSettings
    private let writer: PageAlignedWriter?
    private let observer: (any StoreObserver)?
    private let lock = Mutex(())
    private var next: Segment?
    /// Where the newest segment begins that was made here. None is made twice: its file would be
    /// emptied under those who write to it.
    private var newest: Int64 = -1
    /// The segment being written and how far; set by the CommitLog.
    private let reached: Mutex<(segment: Segment, position: Int)?> = Mutex(nil)
    /// The physical offset at which an appender is to call `follow`.
    package let wakeAt = Atomic<Int64>(0)
    private let time: TimeSource
    /// How far ahead pages are brought in: moved by the agent.
    private let window: Mutex<PopulateWindow>
    /// Bytes that are worth a write that nobody waits for.
    private static let leastWrite: Int64 = 1 << 20
    private var populatesWholeSegment: Bool { writer == nil && settings.populatesWholeSegment }
    /// Rung by an appender that crossed the wake mark.
    package let signal = Signal()

    init(
        disk: any Disk, directory: StoreDirectory, settings: CommitLogSettings,
        writer: PageAlignedWriter?, time: TimeSource, observer: (any StoreObserver)?
    ) {
        self.disk = disk
        self.directory = directory
        self.settings = settings
        self.writer = writer
        self.time = time
        self.observer = observer
        // Pages of the process's own memory are few: they are given back when they are in the file.
        let least = settings.populateAheadByteCount
        window = Mutex(
            writer == nil
                ? PopulateWindow(least: least, most: least * PopulateWindow.growth)
                : PopulateWindow(least: min(least, 4 << 20), most: min(least, 4 << 20)))
    }

    package var roleName: String { "prepare" }
    package var idleNanoseconds: Int64? { nil }

    /// The segment that starts at `base`, prepared earlier or now. The caller appends it to the
    /// list.
    package func takeNext(base: Int64) throws(StoreError) -> Segment {
        try lock.withLock { _ throws(StoreError) -> Segment in
            if let ready = next, ready.base == base {
                next = nil
                return ready
            }
            return try make(base: base)
        }
    }

    /// The next segment, once it is made and until it is taken.
    var prepared: Segment? { lock.withLock { _ in next } }

    /// Whether all that was asked for was done: for tests.
    var isIdle: Bool { reached.withLock { $0 == nil } }

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
        guard let (segment, position) = reached.withLock({ $0 }) else { return 0 }
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
        let ahead = window.withLock {
            $0.follow(segment.base + Int64(position), at: time.nanoseconds)
        }
        let limit = populatesWholeSegment ? segment.bytes.count : position + ahead
        var (done, end) = (populate(segment, upTo: limit), segment.bytes.count)
        prepareNext(behind: segment, position: position)
        if done == end, let next = prepared, next.base == segment.end {
            done += populate(next, upTo: limit - end)
            end += next.bytes.count
        }
        reached.withLock { held in
            if held?.segment === segment, held?.position == position { held = nil }
        }
        // Where there is nothing left to bring in, it would be asked at each append.
        var wakeAt = ahead > 0 && done < end ? max(position + 1, done - ahead / 4 * 3) : .max
        if position < segment.bytes.count / 2 { wakeAt = min(wakeAt, segment.bytes.count / 2) }
        if writer != nil { wakeAt = min(wakeAt, position + Int(Self.leastWrite)) }
        if wakeAt < segment.bytes.count {
            self.wakeAt.store(segment.base + Int64(wakeAt), ordering: .relaxed)
        }
        return 1
    }

    /// In steps: whoever needs a page of those that are being brought in waits for a step's end.
    private func populate(_ segment: Segment, upTo limit: Int) -> Int {
        let limit = min(limit, segment.bytes.count)
        let step = 4 << 20
        var done = segment.populate(upTo: limit, step: step)
        while done < limit {
            let before = done
            done = segment.populate(upTo: limit, step: step)
            if done == before { break }
        }
        return done
    }

    private func prepareNext(behind segment: Segment, position: Int) {
        guard position >= segment.bytes.count / 2 || populatesWholeSegment else { return }
        var ready: Segment?
        let event = lock.withLock { _ -> StoreEvent? in
            // The writer may have gone on to it since `segment` was looked at.
            guard segment.end > newest else { return nil }
            do throws(StoreError) {
                let made = try make(base: segment.end)
                next = made
                ready = made
                return .segmentReady(base: made.base)
            } catch {
                // The appender that needs it tries again and gets the error itself.
                return .delayed(task: "preparing the next segment", error: error)
            }
        }
        // Not under the lock, which an appender that goes on to it waits for; and an observer may
        // close the store.
        if let ready {
            let ahead = window.withLock { $0.least }
            _ = populate(ready, upTo: populatesWholeSegment ? ready.bytes.count : ahead)
        }
        if let event { observer?.storeDid(event) }
    }

    private func make(base: Int64) throws(StoreError) -> Segment {
        let made = try Segment.create(
            disk, path: directory.segment(base: base), base: base,
            length: settings.segmentByteCount, isStaged: writer != nil)
        newest = base
        return made
    }

    /// Removes a prepared segment that was never written to.
    package func discardNext() {
        lock.withLock { _ in
            guard let unused = next else { return }
            next = nil
            try? disk.unlink(directory.segment(base: unused.base))
            try? disk.syncDirectory(directory.commitLog)
        }
    }
}
