// Room for entries that is made without a lock, before it is installed under one.
//
// Zeros are written there. Whoever makes room for the same queue meanwhile, such as an appender at
// the end of what it has, ends the step first: from then on the entries may be anybody's, and
// nothing is written over them.

import ApusFormat
import Synchronization

/// Who makes room in a queue.
enum RoomMaker {
    /// Waits for it: makes little.
    case appender
    /// Makes room ahead of appenders.
    case extender
    /// Looks at the entries behind the end still. They stay as they are, some as the only trace of
    /// a message that cannot be read.
    case recovery
}

/// Entries of a queue that are given room.
final class RoomStep: Sendable {
    let file: QueueFile
    let range: Range<Int64>

    private struct Progress {
        /// Entries below this have room, as far as it goes.
        var done: Int64
        var isEnded = false
    }

    private let progress: Mutex<Progress>

    init(file: QueueFile, range: Range<Int64>) {
        self.file = file
        self.range = range
        progress = Mutex(Progress(done: range.lowerBound))
    }

    /// Has `body` give room to the next `count` entries at most; false when there are none left, or
    /// someone has ended the step.
    func advance(
        by count: Int64, _ body: (Range<Int64>) throws(StoreError) -> Void
    ) throws(StoreError) -> Bool {
        try progress.withLock { progress throws(StoreError) in
            if progress.isEnded { return false }
            let next = min(range.upperBound, progress.done + count)
            guard next > progress.done else { return false }
            try body(progress.done..<next)
            progress.done = next
            return true
        }
    }

    /// Ends the step, and answers how far it came. Waits for the piece that is written now.
    func end() -> Int64 {
        progress.withLock { progress in
            progress.isEnded = true
            return progress.done
        }
    }
}
