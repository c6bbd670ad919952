// `repairing/`: new files until they are in place. While it is there, a repair is not finished.

import ApusFormat
import ApusSystem

/// The folder of a repair that is under way or was interrupted.
enum RepairFolder {
    /// Adds what an interrupted repair was about to replace: it may be in place in part.
    static func note(
        _ disk: any Disk, _ directory: StoreDirectory, in faults: inout DerivedFaults
    ) throws(DiskError) {
        let root = directory.repairing
        guard try disk.status(root) != nil else { return }
        if try disk.status("\(root)/index") != nil { faults.isIndexWrong = true }
        faults.queues.formUnion(
            try ConsumeQueueTable.names(on: disk, under: "\(root)/consumequeue"))
        faults.batchQueues.formUnion(
            try ConsumeQueueTable.names(on: disk, under: "\(root)/batchconsumequeue"))
    }

    /// Takes it away with all that is in it.
    static func remove(_ disk: any Disk, _ directory: StoreDirectory) throws(DiskError) {
        guard try disk.status(directory.repairing) != nil else { return }
        try remove(disk, directory.repairing)
        try disk.syncDirectory(directory.root)
    }

    private static func remove(_ disk: any Disk, _ path: String) throws(DiskError) {
        for entry in try disk.list(path) {
            if entry.isDirectory {
                try remove(disk, "\(path)/\(entry.name)")
            } else {
                try disk.unlink("\(path)/\(entry.name)")
            }
        }
        try disk.removeDirectory(path)
    }
}
