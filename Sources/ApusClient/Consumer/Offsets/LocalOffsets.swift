// Offsets of a broadcasting member, in a file of its own: a JSON list, replaced as a whole.

internal import ApusFormat
internal import ApusRemoting
internal import ApusServer
internal import ApusSystem
internal import Logging
internal import Synchronization

/// The offsets of one member. The directory must be no other member's.
final class LocalOffsets: OffsetKeeper {
    private let file: StateFile
    private let logger: Logger
    private let offsets: Mutex<[MessageQueue: Int64]>
    /// Holds a lock until the end: two members in one directory would overwrite each other.
    private let lock: Mutex<(any DiskFile)?>
    /// So that saves do not overlap: the last one that is taken wins.
    private let saving = Mutex(())

    /// Reads what is there; throws when neither the file nor its predecessor can be used.
    init(
        directory: String, group: String, disk: any Disk = SystemDisk(), logger: Logger
    ) throws(ClientError) {
        self.logger = logger
        let attempt = "reading the offsets of \(group)"
        let place = "\(directory)/\(group)"
        let file = try Self.locked(place, disk, attempt)
        lock = Mutex(file)
        self.file = StateFile(
            "\(place)/offsets.json", on: disk, limit: 64 << 20, logger: logger)
        do throws(StateFileError) {
            let found = try self.file.load { (bytes) throws(StateProblem) in try Self.read(bytes) }
            offsets = Mutex(found ?? [:])
        } catch {
            file.close()
            throw ClientError(.file, attempt, "\(error)")
        }
    }

    deinit { close() }

    func close() {
        let file = lock.withLock { file in
            defer { file = nil }
            return file
        }
        file?.close()
    }

    private static func locked(
        _ place: String, _ disk: any Disk, _ attempt: String
    ) throws(ClientError) -> any DiskFile {
        let file: any DiskFile
        let isFree: Bool
        do throws(DiskError) {
            if try disk.status(place) == nil { try disk.createDirectories(place) }
            file = try disk.open("\(place)/lock", .create)
            isFree = try file.lockFirstByte()
        } catch {
            throw ClientError(.file, attempt, "\(error)")
        }
        if isFree { return file }
        file.close()
        throw ClientError(
            .file, attempt,
            "another member uses \(place): give each an offsetsDirectory of its own")
    }

    func offset(of queue: MessageQueue) async throws(ClientError) -> Int64? {
        offsets.withLock { $0[queue] }
    }

    func keep(_ new: [MessageQueue: Int64]) async -> Set<MessageQueue> {
        do {
            try saving.withLock { _ in
                let all = offsets.withLock { offsets in
                    offsets.merge(new) { $1 }
                    return offsets
                }
                try file.save(Self.bytes(all))
            }
            return Set(new.keys)
        } catch {
            logger.warning("offsets were not kept", metadata: ["reason": "\(error)"])
            return []
        }
    }

    private static func read(_ bytes: RawSpan) throws(StateProblem) -> [MessageQueue: Int64] {
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: bytes) } catch {
            throw StateProblem("it is no JSON: \(error)")
        }
        guard let list = json["offsets"]?.array else { throw StateProblem("it has no offsets") }
        var offsets: [MessageQueue: Int64] = [:]
        for entry in list {
            guard let queue = MessageQueue(entry), let offset = entry["offset"]?.int64, offset >= 0
            else { throw StateProblem("an offset lacks topic, brokerName, queueId or offset") }
            offsets[queue] = offset
        }
        return offsets
    }

    private static func bytes(_ offsets: [MessageQueue: Int64]) -> [UInt8] {
        let list = offsets.sorted { $0.key < $1.key }.map { queue, offset in
            var fields = queue.json
            fields.append("offset", .integer(offset))
            return JSON.object(fields)
        }
        let fields: JSONObject = ["offsets": .array(list)]
        return JSON.object(fields).bytes()
    }
}
