// Every way in which the store says no: what was attempted, on what, and what to do next.

public import ApusFormat
public import ApusSystem

/// An operation of the store that was refused or failed.
public enum StoreError: Error, Hashable, Sendable {
    // What a caller passed.
    case emptyTopic
    case invalidTopic(name: String, reason: String)
    case topicTooLong(byteCount: Int, limit: Int)
    case invalidQueueID(Int32)
    case propertiesTooLong(byteCount: Int, limit: Int)
    case bodyTooLarge(byteCount: Int, limit: Int)
    /// Body, topic and properties together exceed what one record, or one segment, may hold.
    case recordTooLarge(byteCount: Int, limit: Int)
    case emptyBatch
    /// The batch does not fit in one CommitLog file.
    case batchTooLarge(byteCount: Int, limit: Int)
    /// The batch has more messages than a ConsumeQueue file has entries.
    case batchTooLong(count: Int, limit: Int)
    case mixedBatch(reason: String)
    /// The topic's queues are BatchConsumeQueues: they can be read by tools but not appended to.
    case unsupportedQueueType(topic: String)
    /// The system flag says that one record holds several messages, as only BatchConsumeQueues can.
    case innerBatch
    case malformedBatch(BatchDamage)
    /// A name or value holds one of the bytes that separate properties, or the name is empty.
    case invalidProperty(name: String)
    case compressionFailed(CompressionError)
    case invalidConfiguration(key: String, reason: String)

    // What is on disk.
    case unknownDirectoryLayout(path: String, reason: String)
    case wrongFileLength(path: String, found: Int, expected: Int)
    case fileSizeDiffers(path: String, found: Int, configured: Int, key: String)
    case locked(path: String)
    /// A bad record with valid ones behind it, in a log without a durable mark.
    case damagedLog(DamagedRange)
    case damagedRecord(physicalOffset: Int64, damage: RecordDamage)
    /// No record begins at this physical offset.
    case noRecord(physicalOffset: Int64)
    case undecodableBody(physicalOffset: Int64, cause: CompressionError)
    case damagedQueue(topic: String, queueID: Int32, queueOffset: Int64)

    // What the machine does not allow.
    case diskFull(path: String)
    case readOnlyDirectory(path: String)
    case file(DiskError)

    // Where the store stands.
    case unknownQueue(topic: String, queueID: Int32)
    case offsetOutOfRange(requested: Int64, minimum: Int64, maximum: Int64)
    case physicalOffsetOutOfRange(requested: Int64, minimum: Int64, maximum: Int64)
    case closed
    /// A sync failed: nothing is acknowledged any more; the cause is the first failure.
    case poisoned(cause: DiskError)

    /// The error for a failed file operation, by what the caller can do about it.
    package init(_ error: DiskError) {
        if error.isOutOfSpace {
            self = .diskFull(path: error.path)
        } else if error.isReadOnly {
            self = .readOnlyDirectory(path: error.path)
        } else {
            self = .file(error)
        }
    }
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        inputDescription ?? directoryDescription ?? stateDescription
    }

    private var inputDescription: String? {
        switch self {
        case .emptyTopic:
            "the topic is empty: name one"
        case .invalidTopic(let name, let reason):
            "\"\(name)\" cannot be a topic: \(reason)"
        case .topicTooLong(let count, let limit):
            "the topic has \(count) bytes; at most \(limit) are allowed: shorten it"
        case .invalidQueueID(let id):
            "queue \(id) cannot exist: queue ids start at 0"
        case .propertiesTooLong(let count, let limit):
            "the properties take \(count) bytes; a record holds \(limit): move some into the body"
        case .bodyTooLarge(let count, let limit):
            "the body has \(count) bytes; maxMessageSize allows \(limit): split it or "
                + "raise the limit"
        case .recordTooLarge(let count, let limit):
            "the record would take \(count) bytes; at most \(limit) fit: shorten the message"
        case .emptyBatch:
            "the batch is empty: add a message"
        case .batchTooLarge(let count, let limit):
            "the batch would take \(count) bytes; \(limit) fit in one CommitLog file: split it"
        case .batchTooLong(let count, let limit):
            "the batch has \(count) messages; \(limit) fit in one ConsumeQueue file: split it"
        case .mixedBatch(let reason):
            "the messages do not make one batch: \(reason)"
        case .unsupportedQueueType(let topic):
            "topic \(topic) uses BatchConsumeQueue files, which this store reads but does "
                + "not append to"
        case .invalidConfiguration(let key, let reason):
            "\(key): \(reason)"
        case .innerBatch:
            "an inner batch needs a BatchConsumeQueue, which this store does not write: send the "
                + "messages singly or as a client batch"
        case .invalidProperty(let name):
            "the property \"\(name)\" cannot be stored: its name is empty, or name or value "
                + "hold one "
                + "of the bytes 1 and 2, which separate properties"
        case .malformedBatch(let damage): "the batch cannot be taken apart: \(damage)"
        case .compressionFailed(let error): "the body cannot be compressed: \(error)"
        default: nil
        }
    }

    private var directoryDescription: String? {
        switch self {
        case .unknownDirectoryLayout(let path, let reason):
            "\(path) does not look like a message store: \(reason)"
        case .wrongFileLength(let path, let found, let expected):
            "\(path) has \(found) bytes where \(expected) are expected: was it copied in part? "
                + "Nothing was changed; restore it, or examine the directory with mqstore verify"
        case .fileSizeDiffers(let path, let found, let configured, let key):
            "\(path) has \(found) bytes but \(key) says \(configured): set \(key) to \(found)"
        case .locked(let path):
            "\(path) is locked: another broker or process has this store open"
        case .damagedLog(let range):
            "the log is damaged (\(range)) with valid records behind the damage, and nothing says "
                + "which of them were acknowledged: examine it with mqstore verify, then open with "
                + "recovery.onUnmarkedDamage = .cut to keep what stands before"
        case .damagedRecord(let offset, let damage):
            "the record at physical offset \(offset) is damaged: \(damage)"
        case .noRecord(let offset):
            "no record begins at physical offset \(offset)"
        case .undecodableBody(let offset, let cause):
            "the body of the record at physical offset \(offset) cannot be decompressed: \(cause)"
        case .damagedQueue(let topic, let id, let offset):
            "entry \(offset) of queue \(topic)/\(id) disagrees with the log even after a rebuild"
        default: nil
        }
    }

    private var stateDescription: String {
        switch self {
        case .diskFull(let path):
            "no room left for \(path): make room; appends go on without a restart, reads never stop"
        case .readOnlyDirectory(let path):
            "\(path) cannot be written: check its owner, mode and mount"
        case .file(let error): error.description
        case .unknownQueue(let topic, let id): "there is no queue \(topic)/\(id)"
        case .offsetOutOfRange(let requested, let minimum, let maximum):
            "queue offset \(requested) is outside \(minimum)..<\(maximum)"
        case .physicalOffsetOutOfRange(let requested, let minimum, let maximum):
            "physical offset \(requested) is outside \(minimum)..<\(maximum)"
        case .closed: "the store is closed"
        case .poisoned(let cause):
            "the store takes no more messages since a sync failed (\(cause)): what was "
                + "acknowledged "
                + "before is safe; close the store, check the device, and open it again"
        default: "\(self)"
        }
    }
}
