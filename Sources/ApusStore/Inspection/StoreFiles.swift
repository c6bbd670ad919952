// What lies in a store's directory, told by names and lengths alone. Opens nothing but
// `checkpoint`, `abort` and `lock`, which are small, and writes nothing.

package import ApusFormat
package import ApusSystem

/// A file whose name is a number: an offset, or the date of an IndexFile.
package struct FoundFile: Hashable, Sendable {
    package let path: String
    /// The name as a number.
    package let first: Int64
    package let byteCount: Int
    /// Bytes that the file takes on the device.
    package let allocatedByteCount: Int

    package init(path: String, first: Int64, byteCount: Int, allocatedByteCount: Int) {
        self.path = path
        self.first = first
        self.byteCount = byteCount
        self.allocatedByteCount = allocatedByteCount
    }

    /// The number behind the file's last byte; the largest there is when that is not one.
    package var end: Int64 {
        let (end, overflows) = first.addingReportingOverflow(Int64(byteCount))
        return overflows ? .max : end
    }
}

/// The folder of one queue.
package struct FoundQueue: Hashable, Sendable {
    package let topic: String
    package let queueID: Int32
    package let path: String
    /// Ascending by name.
    package let files: [FoundFile]

    package init(topic: String, queueID: Int32, path: String, files: [FoundFile]) {
        self.topic = topic
        self.queueID = queueID
        self.path = path
        self.files = files
    }

    package var allocatedByteCount: Int { files.reduce(0) { $0 + $1.allocatedByteCount } }
}

/// The files of a store, found by listing its directory.
package struct StoreFiles: Sendable {
    package let directory: StoreDirectory
    package internal(set) var segments: [FoundFile] = []
    package internal(set) var queues: [FoundQueue] = []
    package internal(set) var batchQueues: [FoundQueue] = []
    /// ConsumeQueueExt files.
    package internal(set) var extensions: [FoundQueue] = []
    package internal(set) var index: [FoundFile] = []
    /// Paths that belong to no store, with what they are.
    package internal(set) var strays: [Stray] = []
    /// What could not be listed or looked at.
    package internal(set) var failures: [DiskError] = []
    package internal(set) var checkpoint = CheckpointReading.missing
    /// The newest mark that is whole, whether it counts or not.
    package internal(set) var newestMark: DurableMark?
    /// Whether `abort` is there: the store is open, or was killed.
    package internal(set) var hasAbort = false
    /// The epoch in `abort`, when one of our stores wrote it.
    package internal(set) var abortEpoch: Int64?
    /// Whether someone holds the lock: the store is open now.
    package internal(set) var isLocked = false
    package internal(set) var hasCommitLog = false
    package internal(set) var hasQueues = false
    package internal(set) var hasIndex = false
    /// Whether `quarantine` or `commitlog.deleting` is there, which only Apus makes.
    package internal(set) var hasApusFolders = false
    /// Whether `repairing` is there: a repair was interrupted.
    package internal(set) var hasUnfinishedRepair = false

    /// Something that is not part of a store.
    package struct Stray: Hashable, Sendable {
        package let path: String
        package let reason: String
    }

    /// The mark that agrees with RocketMQ's fields, whatever `abort` says.
    package var agreeingMark: DurableMark? {
        if case .read(_, let mark, _) = checkpoint { return mark }
        return nil
    }

    /// The mark that counts when the store is opened, as `Origin` decides it.
    package var mark: DurableMark? {
        guard hasAbort else {
            return agreeingMark.flatMap { $0.isClean ? $0 : nil }
        }
        // With our `abort` beside it, fields that differ are damaged, not a Java broker's.
        guard let mark = agreeingMark ?? newestMark, let abortEpoch,
            abortEpoch == mark.epoch || abortEpoch == mark.epoch &+ 1
        else { return nil }
        return mark
    }

    /// RocketMQ's fields.
    package var checkpointFields: CheckpointFields? {
        if case .read(let fields, _, _) = checkpoint { return fields }
        return nil
    }

    /// Whether an Apus store wrote here.
    package var isApus: Bool {
        if case .read(_, _, let slots) = checkpoint, slots != .none { return true }
        return hasApusFolders || abortEpoch != nil
    }

    /// The length that most CommitLog files have; of several, the largest. 0 without files.
    package var usualSegmentLength: Int {
        var counts: [Int: Int] = [:]
        for file in segments { counts[file.byteCount, default: 0] += 1 }
        return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? 0
    }

    /// A path below the root without it.
    package func relative(_ path: String) -> String {
        let prefix = directory.root == "/" ? "/" : directory.root + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }
}

/// The contents of `checkpoint`.
package enum CheckpointReading: Hashable, Sendable {
    /// What the slots of the durable mark hold, valid or not.
    package enum Slots: Hashable, Sendable {
        /// Nothing but zeros: no Apus store wrote here.
        case none
        /// At least one is whole.
        case written
        /// Something stands there, but neither is whole.
        case damaged
    }

    case missing
    case unreadable(DiskError)
    /// Fewer bytes than RocketMQ's fields take.
    case short(byteCount: Int)
    case read(CheckpointFields, DurableMark?, Slots)

    static func read(_ disk: any Disk, _ path: String) -> CheckpointReading {
        do throws(DiskError) {
            guard let status = try disk.status(path) else { return .missing }
            if status.byteCount < CheckpointFields.byteCount, !status.isDirectory {
                return .short(byteCount: status.byteCount)
            }
            let window = try FileWindow(
                disk, path: path, windowByteCount: CheckpointLayout.fileByteCount)
            return try window.withBytes(at: 0, count: CheckpointLayout.fileByteCount) { bytes in
                guard bytes.byteCount >= CheckpointFields.byteCount else {
                    return .short(byteCount: bytes.byteCount)
                }
                return .read(
                    CheckpointFields(loadingFrom: bytes), DurableMark.current(in: bytes),
                    slots(in: bytes))
            }
        } catch {
            return .unreadable(error)
        }
    }

    private static func slots(in bytes: RawSpan) -> Slots {
        var answer = Slots.none
        for slot in 0...1 {
            let start = CheckpointLayout.slotOffset(slot)
            let end = min(start + CheckpointLayout.slotByteCount, bytes.byteCount)
            guard start < end else { continue }
            let bytes = bytes.extracting(start..<end)
            if DurableMark(loadingFrom: bytes) != nil { return .written }
            for offset in 0..<bytes.byteCount
            where bytes.loadBigEndian(UInt8.self, at: offset) != 0 {
                answer = .damaged
                break
            }
        }
        return answer
    }
}
