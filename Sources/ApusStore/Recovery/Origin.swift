// In which state a directory was left, and what says so.

import ApusFormat
import ApusSystem

/// How the last user of a directory left it.
enum Origin {
    /// There is no log.
    case fresh
    /// We closed it: the mark says where everything ends.
    case closed(DurableMark)
    /// We were killed, or the machine was: the mark says how far syncs had reached.
    case killed(DurableMark)
    /// A Java broker left it, or someone who removed our marks.
    case unmarked(isClean: Bool, CheckpointFields)

    /// Looks at `abort` and `checkpoint`. A mark counts when RocketMQ's fields are as they were
    /// when it was written, and `abort` is ours: a Java broker changes the one or the other.
    static func find(
        _ disk: any Disk, _ directory: StoreDirectory, hasLog: Bool
    ) throws(DiskError) -> Origin {
        guard hasLog else { return .fresh }
        let contents = try Checkpoint.read(disk, directory.checkpoint)
        let wasOpen = try disk.status(directory.abort) != nil
        if !wasOpen {
            guard let mark = contents.mark else {
                return .unmarked(isClean: true, contents.fields)
            }
            return mark.isClean ? .closed(mark) : .unmarked(isClean: true, contents.fields)
        }
        // A Java broker writes `abort` anew: one with our epoch says that none was here, and fields
        // that differ are then damaged. It is replaced before the first mark of a new opening.
        let epoch = try abortEpoch(disk, directory.abort)
        guard let mark = contents.mark ?? contents.newestMark,
            epoch == mark.epoch || epoch == mark.epoch &+ 1
        else {
            // With no mark beside our `abort` the checkpoint is damaged, its fields included.
            return .unmarked(isClean: false, epoch == nil ? contents.fields : CheckpointFields())
        }
        return .killed(mark)
    }

    private static func abortEpoch(_ disk: any Disk, _ path: String) throws(DiskError) -> Int64? {
        let file = try disk.open(path, .readOnly)
        defer { file.close() }
        var buffer = [UInt8](repeating: 0, count: 128)
        var bytes = buffer.mutableRawSpan
        let count = try file.read(into: &bytes, at: 0)
        return AbortMarker.epoch(in: buffer.rawSpan.extracting(0..<count))
    }
}
