// How a commit is led: for whom it waits, and the only code that syncs the log.
//
// The flushed mark moves only after a sync that returned success, and the first failed sync is
// final.

import ApusSystem
import Synchronization

extension GroupCommit {
    /// Bytes that are brought to the device at once: a millisecond's work or less.
    private static let stepByteCount = 1 << 20

    /// Counts an append that waits for a sync.
    func arrive() {
        let count = arrivals.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
        if count == awaited.load(ordering: .sequentiallyConsistent) { gathered.ring() }
    }

    /// Waits a moment for those whom the last commit acknowledged.
    private func gather() {
        let wish = gathering.withLock {
            $0.wish(arrivals: arrivals.load(ordering: .acquiring), now: log.time.nanoseconds)
        }
        guard let (count, nanoseconds) = wish else { return }
        let seen = gathered.current
        awaited.store(count, ordering: .sequentiallyConsistent)
        if arrivals.load(ordering: .sequentiallyConsistent) < count {
            gathered.wait(after: seen, nanoseconds: nanoseconds)
        }
        awaited.store(.max, ordering: .relaxed)
        let came = arrivals.load(ordering: .acquiring) >= count
        gathering.withLock { $0.note(came: came) }
    }

    /// One sync for all that is published, and with `gathers` for those who are about to be back;
    /// told by its number. The caller holds `leading`.
    func lead(gathers: Bool) -> (number: Int, outcome: Result<Void, DiskError>) {
        if gathers { gather() }
        let began = (arrivals.load(ordering: .acquiring), log.time.nanoseconds)
        let (number, end) = newest.withLock { newest in
            newest = (newest.number + 1, log.published)
            return newest
        }
        let outcome = bring(upTo: end)
        let ended = (arrivals.load(ordering: .acquiring), log.time.nanoseconds)
        gathering.withLock { $0.note(began: began, ended: ended) }
        return (number, outcome)
    }

    /// One sync of each segment with unsynced records.
    private func bring(upTo target: Int64) -> Result<Void, DiskError> {
        if let cause = log.poisonCause { return .failure(cause) }
        var position = log.flushed.load(ordering: .relaxed)
        while position < target {
            guard let segment = log.segments.segment(containing: position) else {
                position = target
                break
            }
            if Mutant.movesFlushedBeforeSync.isPlanted {
                log.flushed.store(min(target, segment.end), ordering: .releasing)
            }
            do throws(DiskError) {
                let end = min(target, segment.end)
                if try log.writer?.write(upTo: end, durableFrom: position) != true {
                    try sync(segment, position..<end)
                }
            } catch {
                if Mutant.retriesFailedSync.isPlanted, (try? segment.file.sync()) != nil {
                    position = min(target, segment.end)
                    log.flushed.store(position, ordering: .releasing)
                    continue
                }
                log.poison(error)
                return .failure(error)
            }
            // Another file's sync may have failed meanwhile. What the kernel says of this one is
            // not to be believed then: ext4 calls a sync a success that its aborted journal cut.
            if let cause = log.poisonCause { return .failure(cause) }
            position = min(target, segment.end)
            log.flushed.store(position, ordering: .releasing)
            syncCount.wrappingAdd(1, ordering: .relaxed)
        }
        return .success(())
    }

    /// Much goes to the device a step at a time. In one call its pages would be locked while they
    /// wait for the device, the one that is appended to with them, and appenders would wait too.
    private func sync(_ segment: Segment, _ range: Range<Int64>) throws(DiskError) {
        let step = min(Self.stepByteCount, max(4096, segment.bytes.count / 8 & ~4095))
        var position = segment.position(of: range.lowerBound) & ~4095
        let end = segment.position(of: range.upperBound) & ~4095
        while end - position >= step {
            let next = min(end, position + step)
            do throws(DiskError) {
                try segment.file.writeBack(segment.bytes, position..<next)
            } catch {
                if !Mutant.forgetsFailedWriteBack.isPlanted { throw error }
            }
            position = next
        }
        try segment.file.sync(
            segment.bytes,
            segment.position(of: range.lowerBound)..<segment.position(of: range.upperBound))
    }
}
