// The segments of the CommitLog, oldest first, without gaps.
//
// Written by recovery, by a roll (append at the end) and by the cleaner (remove at the front).

private import ApusSystem

/// The CommitLog's files in order.
package final class SegmentList: Sendable {
    private let segments = SpinLocked<[Segment]>([])
    private let segmentByteCount: Int64

    package init(segmentByteCount: Int) {
        self.segmentByteCount = Int64(segmentByteCount)
    }

    /// A copy of the list as it is now; its segments stay mapped while it is held.
    package var all: [Segment] { segments.withLock { $0 } }

    package var first: Segment? { segments.withLock { $0.first } }
    package var last: Segment? { segments.withLock { $0.last } }

    /// The segment that holds a physical offset.
    package func segment(containing physicalOffset: Int64) -> Segment? {
        segments.withLock { segments in
            guard let first = segments.first, physicalOffset >= first.base else { return nil }
            let index = Int((physicalOffset - first.base) / segmentByteCount)
            return index < segments.count ? segments[index] : nil
        }
    }

    package func append(_ segment: Segment) {
        segments.withLock { segments in
            precondition(segments.last.map { $0.end == segment.base } ?? true)
            segments.append(segment)
        }
    }

    package func replaceAll(_ new: [Segment]) {
        segments.withLock { $0 = new }
    }

    /// Takes the oldest segment out when `base` is its first offset and others stand behind it.
    package func removeFirst(base: Int64) -> Segment? {
        segments.withLock { segments in
            guard segments.count > 1, segments[0].base == base else { return nil }
            return segments.removeFirst()
        }
    }
}
