// Makes segments before they are needed.
//
// The only maker of CommitLog files after recovery. An appender that needs the next segment before
// it is ready makes it here itself, under the same lock, so that no two make one. That lock is held
// while the device is waited for; who takes a segment that is ready does not wait for it.

import ApusSystem
import Synchronization

/// Makes segments ahead of the writer.
final class SegmentMaker: Agent {
    private let disk: any Disk
    private let directory: StoreDirectory
    private let settings: CommitLogSettings
    private let isStaged: Bool
    private let observer: (any StoreObserver)?
    /// Rung when one was made: its pages are to be brought in.
    private let whenMade: Signal
    /// Segments that were made and not taken yet, one behind the other.
    private let ready = Mutex<[Segment]>([])
    /// Where the newest segment ends that was made here. None is made twice: its file would be
    /// emptied under those who write to it. Held while one is made.
    private let madeEnd = Mutex<Int64>(0)
    /// The segment being written and how far, until all is made that it asks for.
    private let reached: Mutex<(segment: Segment, position: Int)?> = Mutex(nil)
    private let reach = Mutex(Reach())
    /// Where one could not be made that is not the next one yet: it is not tried again before.
    private let failedBase = Atomic<Int64>(-1)
    /// Bytes behind the end of the writer's segment at which no further one begins.
    private let mostReady: Int64
    let signal = Signal()

    init(
        disk: any Disk, directory: StoreDirectory, settings: CommitLogSettings, isStaged: Bool,
        observer: (any StoreObserver)?, whenMade: Signal, mostReady: Int = 8
    ) {
        self.disk = disk
        self.directory = directory
        self.settings = settings
        self.isStaged = isStaged
        self.observer = observer
        self.whenMade = whenMade
        self.mostReady = Self.most(mostReady, of: settings.segmentByteCount)
    }

    /// What the writer is through with in two seconds, in bytes. A device that has much to write
    /// may take most of one to make a file. Seen over a quarter of a second: a burst in memory says
    /// nothing of the next seconds.
    private struct Reach {
        var byteCount: Double = 0
        var pace = WriterPace(span: 2_000_000_000, leastInterval: 250_000_000)
    }

    /// Bytes of so many segments, and two gigabytes at the most.
    static func most(_ count: Int, of byteCount: Int) -> Int64 {
        min(Int64(count) * Int64(byteCount), 2 << 30)
    }

    var roleName: String { "make" }
    var idleNanoseconds: Int64? { nil }

    /// The segment that starts at `base`, made earlier or now. The caller appends it to the list.
    func takeNext(base: Int64) throws(StoreError) -> Segment {
        if let segment = takeReady(base) { return segment }
        return try madeEnd.withLock { end throws(StoreError) in
            // Whoever had the lock may have made it.
            if let segment = takeReady(base) { return segment }
            return try make(base: base, &end)
        }
    }

    private func takeReady(_ base: Int64) -> Segment? {
        ready.withLock { $0.first?.base == base ? $0.removeFirst() : nil }
    }

    /// The next segment, once it is made and until it is taken.
    var prepared: Segment? { ready.withLock { $0.first } }

    /// Whether all that was asked for was done.
    var isIdle: Bool { reached.withLock { $0 == nil } }

    /// Where the writer stands at this time, by the clock's nanoseconds.
    func follow(_ segment: Segment, position: Int, at time: Int64) {
        reach.withLock { reach in
            reach.byteCount =
                reach.pace.follow(segment.base + Int64(position), at: time) ?? reach.byteCount
        }
        guard isWanted(end(behind: segment), behind: segment, position: position) else { return }
        reached.withLock { $0 = (segment, position) }
        signal.ring()
    }

    /// Where the next one is to begin, as far as can be said while one is being made.
    private func end(behind segment: Segment) -> Int64 {
        ready.withLock { max(segment.end, $0.last?.end ?? 0) }
    }

    func doWork() -> Int {
        guard let (segment, position) = reached.withLock({ $0 }) else { return 0 }
        if makeNext(behind: segment, position: position) { return 1 }
        reached.withLock { held in
            if held?.segment === segment, held?.position == position { held = nil }
        }
        return isIdle ? 0 : 1
    }

    /// Makes a segment if one is wanted; true when it did.
    private func makeNext(behind segment: Segment, position: Int) -> Bool {
        var isMade = false
        let event = madeEnd.withLock { end -> StoreEvent? in
            // The writer may have gone on since `segment` was looked at.
            let base = max(segment.end, end)
            guard isWanted(base, behind: segment, position: position) else { return nil }
            do throws(StoreError) {
                if base != segment.end, try !leavesRoom() { return nil }
                let made = try make(base: base, &end)
                ready.withLock { $0.append(made) }
                isMade = true
                return .segmentReady(base: base)
            } catch {
                // The appender that needs it tries again and gets the error itself.
                failedBase.store(base, ordering: .relaxed)
                return .delayed(task: "preparing the next segment", error: error)
            }
        }
        // Not under the lock, which an appender that needs a segment waits for; and an observer may
        // close the store.
        if isMade { whenMade.ring() }
        if let event { observer?.storeDid(event) }
        return isMade
    }

    /// Whether a segment is to be made at `base`. The next one, once the writer is past the middle
    /// of the one before; and so many that there is time to make another one, however much the
    /// device has to write, while the writer fills them.
    private func isWanted(_ base: Int64, behind segment: Segment, position: Int) -> Bool {
        if base == segment.end,
            position >= segment.bytes.count / 2 || settings.populatesWholeSegment && !isStaged
        {
            return true
        }
        let left = Double(base - segment.base - Int64(position))
        guard left < reach.withLock({ $0.byteCount }), base != failedBase.load(ordering: .relaxed)
        else { return false }
        return base == segment.end || base - segment.end < mostReady
    }

    /// Whether one that is not the next one yet leaves as much room as all that may be made ahead
    /// take. The last of a disk is for what appends need now: the next segment, and queues.
    private func leavesRoom() throws(StoreError) -> Bool {
        do throws(DiskError) {
            let available = try disk.space(directory.commitLog).available
            return Int64(available) >= mostReady &+ Int64(settings.segmentByteCount)
        } catch {
            throw StoreError(error)
        }
    }

    private func make(base: Int64, _ end: inout Int64) throws(StoreError) -> Segment {
        let made = try Segment.create(
            disk, path: directory.segment(base: base), base: base,
            length: settings.segmentByteCount, isStaged: isStaged)
        end = made.end
        return made
    }

    /// Removes segments that were made and never written to. From the last one back, each for good
    /// before the next: a power cut may keep any of two names, and must not leave a hole. After a
    /// failure the rest stays, and the next opening removes it.
    func discardReady() {
        do throws(DiskError) {
            try madeEnd.withLock { _ throws(DiskError) in
                let unused = ready.withLock { all in
                    defer { all = [] }
                    return all
                }
                for segment in unused.reversed() {
                    try disk.unlink(directory.segment(base: segment.base))
                    try disk.syncDirectory(directory.commitLog)
                }
            }
        } catch {
            observer?.storeDid(
                .delayed(task: "removing segments made ahead", error: StoreError(error)))
        }
    }
}
