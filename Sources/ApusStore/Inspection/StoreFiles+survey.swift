// Listing a store's directory.

private import ApusFormat
package import ApusSystem

extension StoreFiles {
    /// Lists the directory. Throws when the root cannot be listed or nothing in it is a store's;
    /// whatever else cannot be looked at is in `failures`.
    package static func survey(
        _ disk: any Disk, _ directory: StoreDirectory
    ) throws(StoreError) -> StoreFiles {
        var files = StoreFiles(directory: directory)
        let entries: [DirectoryEntry]
        do throws(DiskError) {
            entries = try disk.list(directory.root)
        } catch {
            throw .file(error)
        }
        let names = Set(entries.map(\.name))
        guard !names.isDisjoint(with: Self.distinguishing) || Self.exists(disk, directory.commitLog)
        else {
            throw .unknownDirectoryLayout(
                path: directory.root, reason: "there is no commitlog in it")
        }
        for entry in entries where !Self.known.contains(entry.name) {
            files.strays.append(
                Stray(
                    path: "\(directory.root)/\(entry.name)",
                    reason: "no file or folder of a store has this name"))
        }
        files.hasUnfinishedRepair = names.contains("repairing")
        files.hasAbort = names.contains("abort")
        files.hasApusFolders = names.contains("quarantine") || Self.exists(disk, directory.deleting)
        files.hasCommitLog = Self.exists(disk, directory.commitLog)
        files.hasQueues = names.contains("consumequeue") || names.contains("batchconsumequeue")
        files.hasIndex = names.contains("index")
        files.segments = files.numbered(
            disk, in: directory.commitLog, StoreDirectory.offset(ofFileName:),
            stray: "CommitLog files are named by 20 digits; RocketMQ does not start with it")
        files.index = files.numbered(
            disk, in: directory.index, IndexFileName.number,
            stray: "IndexFiles are named by 17 digits; RocketMQ does not start with it")
        files.queues = files.queues(disk, in: directory.consumeQueue)
        files.batchQueues = files.queues(disk, in: directory.batchConsumeQueue)
        files.extensions = files.queues(disk, in: directory.consumeQueueExtension)
        files.checkpoint = CheckpointReading.read(disk, directory.checkpoint)
        files.newestMark = (try? Checkpoint.read(disk, directory.checkpoint))?.newestMark
        files.readMarkers(disk)
        return files
    }

    /// Names that only a store has.
    private static let distinguishing: Set = [
        "commitlog", "consumequeue", "batchconsumequeue", "index", "checkpoint",
    ]

    /// What RocketMQ and Apus put into a root.
    private static let known: Set = distinguishing.union([
        "abort", "abort.bak", "lock", "consumequeue_ext", "consumequeue_r", "config", "compaction",
        "timerwheel", "timerlog", "timercheck", "epochFileCheckpoint", "epochFileCheckpoint.bak",
        "quarantine", "repairing", "commitlog.deleting", "tieredstore", "logs", "lost+found",
    ])

    private static func exists(_ disk: any Disk, _ path: String) -> Bool {
        ((try? disk.status(path)) ?? nil) != nil
    }

    private mutating func list(_ disk: any Disk, _ path: String) -> [DirectoryEntry] {
        guard Self.exists(disk, path) else { return [] }
        do throws(DiskError) {
            return try disk.list(path)
        } catch {
            failures.append(error)
            return []
        }
    }

    /// The files of a folder that are named by numbers, ascending; others are strays.
    private mutating func numbered(
        _ disk: any Disk, in folder: String, _ number: (String) -> Int64?, stray: String
    ) -> [FoundFile] {
        var found: [FoundFile] = []
        for entry in list(disk, folder) {
            let path = "\(folder)/\(entry.name)"
            // Past this bound, sums of offsets could overflow; no log gets there.
            guard !entry.isDirectory, let first = number(entry.name), first < 1 << 62 else {
                strays.append(
                    Stray(path: path, reason: entry.isDirectory ? "a folder among files" : stray))
                continue
            }
            do throws(DiskError) {
                guard let status = try disk.status(path) else { continue }
                found.append(
                    FoundFile(
                        path: path, first: first, byteCount: status.byteCount,
                        allocatedByteCount: status.allocatedByteCount))
            } catch {
                failures.append(error)
            }
        }
        return found.sorted { $0.first < $1.first }
    }

    /// The queues below a folder: `TOPIC/QUEUE/FILES`.
    private mutating func queues(_ disk: any Disk, in folder: String) -> [FoundQueue] {
        var found: [FoundQueue] = []
        for topic in list(disk, folder) {
            let topicPath = "\(folder)/\(topic.name)"
            guard topic.isDirectory else {
                strays.append(Stray(path: topicPath, reason: "a file among folders of topics"))
                continue
            }
            for queue in list(disk, topicPath) {
                let path = "\(topicPath)/\(queue.name)"
                guard queue.isDirectory, let id = Int32(queue.name), id >= 0,
                    String(id) == queue.name
                else {
                    strays.append(
                        Stray(path: path, reason: "folders of queues are named by number"))
                    continue
                }
                let files = numbered(
                    disk, in: path, StoreDirectory.offset(ofFileName:),
                    stray: "files of queues are named by 20 digits; RocketMQ does not start with it"
                )
                found.append(
                    FoundQueue(topic: topic.name, queueID: id, path: path, files: files))
            }
        }
        return found.sorted { ($0.topic, $0.queueID) < ($1.topic, $1.queueID) }
    }

    private mutating func readMarkers(_ disk: any Disk) {
        do throws(DiskError) {
            if hasAbort {
                let window = try FileWindow(disk, path: directory.abort, windowByteCount: 128)
                abortEpoch = try window.withBytes(at: 0, count: 128) { AbortMarker.epoch(in: $0) }
            }
            if try disk.status(directory.lock) != nil {
                let file = try disk.open(directory.lock, .readOnly)
                defer { file.close() }
                isLocked = try file.isFirstByteLocked()
            }
        } catch {
            failures.append(error)
        }
    }
}
