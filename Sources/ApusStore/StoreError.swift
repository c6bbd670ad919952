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
    /// The process may not have as many files open or mapped as the store has.
    case limitTooLow(LimitForecast)
    /// The process had no descriptor or mapping left for a file of the store.
    case limitReached(DiskError)
    /// A file was cut short under the open store, or its device does not give a page of it. Nothing
    /// is read from it any more. Only where `StoreConfiguration.guardsMappings` is on; elsewhere
    /// this ends the process.
    case mappingFailed(DiskError)
    case file(DiskError)

    // Where the store stands.
    case unknownQueue(topic: String, queueID: Int32)
    case offsetOutOfRange(requested: Int64, minimum: Int64, maximum: Int64)
    case physicalOffsetOutOfRange(requested: Int64, minimum: Int64, maximum: Int64)
    case closed
    /// A sync failed, or a guarded mapping that messages are stored through: nothing is
    /// acknowledged any more; the cause is the first failure.
    case poisoned(cause: DiskError)

    /// The error for a failed file operation, by what the caller can do about it.
    package init(_ error: DiskError) {
        if error.isOutOfSpace {
            self = .diskFull(path: error.path)
        } else if error.isReadOnly {
            self = .readOnlyDirectory(path: error.path)
        } else if error.isLimit {
            self = .limitReached(error)
        } else {
            self = .file(error)
        }
    }
}

// What happened, on what and, behind the colon, what to do next. An error that more than one thing
// can mend names the nearest.
extension StoreError: CustomStringConvertible {
    public var description: String {
        messageText ?? batchText ?? directoryText ?? recordText ?? stateText
    }

    private var messageText: String? {
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
            "the body has \(count) bytes; maxMessageSize allows \(limit): split it or raise the "
                + "limit (limits.bodyByteCount)"
        case .recordTooLarge(let count, let limit):
            "the record would take \(count) bytes; at most \(limit) fit: shorten the message"
        case .invalidProperty(let name):
            "the property \"\(name)\" cannot be stored: give it a name that is not empty, and keep "
                + "the bytes 1 and 2, which separate properties, out of name and value"
        case .compressionFailed(let error):
            "the body cannot be compressed: \(error); nothing was stored"
        case .unsupportedQueueType(let topic):
            "topic \(topic) uses BatchConsumeQueue files, which this store does not write: append "
                + "to another topic"
        case .invalidConfiguration(let key, let reason):
            "the setting \(key) cannot be used: \(reason)"
        default: nil
        }
    }

    private var batchText: String? {
        switch self {
        case .emptyBatch:
            "the batch is empty: add a message"
        case .batchTooLarge(let count, let limit):
            "the batch would take \(count) bytes; \(limit) fit in one CommitLog file: split it"
        case .batchTooLong(let count, let limit):
            "the batch has \(count) messages; \(limit) fit in one ConsumeQueue file: split it"
        case .mixedBatch(let reason):
            "the messages do not make one batch, since \(reason): append them singly"
        case .innerBatch:
            "an inner batch needs a BatchConsumeQueue, which this store does not write: send the "
                + "messages singly or as a client batch"
        case .malformedBatch(let damage):
            "the batch cannot be taken apart: \(damage.words); nothing was stored"
        default: nil
        }
    }

    private var directoryText: String? {
        switch self {
        case .unknownDirectoryLayout(let path, let reason):
            "\(path) does not look like a message store: \(reason)"
        case .wrongFileLength(let path, let found, let expected):
            "\(path) has \(found) bytes where \(expected) are expected: was it copied in part? "
                + "Nothing was changed; restore it, or examine the directory with mqstore verify"
        case .fileSizeDiffers(let path, let found, let configured, let key):
            "\(path) has \(found) bytes, and would have \(configured) under the present setting of "
                + "\(key): open the store with the setting that it was made with"
        case .locked(let path):
            "\(path) is locked, since another broker or process has this store open: close it there"
        case .damagedLog(let range):
            "the log is damaged (\(range)) with \(range.validRecordsBehind) valid records behind "
                + "the damage, and nothing says which of them were acknowledged: examine it with "
                + "mqstore verify, then open with recovery.onUnmarkedDamage = .cut to keep what "
                + "stands before and move the rest to quarantine; nothing was changed"
        case .readOnlyDirectory(let path):
            "\(path) cannot be written: check its owner, mode and mount"
        case .diskFull(let path):
            "no room left for \(path): make room; appends go on without a restart, reads never stop"
        case .limitTooLow(let forecast): "\(forecast)"
        case .limitReached(let error):
            "\(error): close files in this process, or raise its limits (ulimit -n, "
                + "vm.max_map_count); the store goes on, and this can be tried again"
        default: nil
        }
    }

    private var recordText: String? {
        switch self {
        case .damagedRecord(let offset, let damage):
            "the record at physical offset \(offset) is damaged: \(damage.words); read on behind "
                + "it, and examine the store with mqstore verify"
        case .noRecord(let offset):
            "no record begins at physical offset \(offset): take offsets from appends, reads and "
                + "message ids"
        case .undecodableBody(let offset, let cause):
            "the body of the record at physical offset \(offset) cannot be decompressed: \(cause); "
                + "its bytes can be read in place"
        case .damagedQueue(let topic, let id, let offset):
            "entry \(offset) of queue \(topic)/\(id) disagrees with the log even after a rebuild: "
                + "examine the store with mqstore verify"
        case .offsetOutOfRange(let requested, let minimum, let maximum):
            "queue offset \(requested) is outside the queue, which has messages "
                + "\(minimum)..<\(maximum): go on at one of its ends"
        case .physicalOffsetOutOfRange(let requested, let minimum, let maximum):
            "physical offset \(requested) is outside the log, which holds \(minimum)..<\(maximum)"
        default: nil
        }
    }

    private var stateText: String {
        switch self {
        case .file(let error): error.description
        case .mappingFailed(let error):
            "\(error): it was cut short, or its device fails; nothing more is read from it, and "
                + "the rest of the store goes on: close the store, check the device, restore the "
                + "file, and open the store again"
        case .unknownQueue(let topic, let id):
            "there is no queue \(topic)/\(id): append to it first"
        case .closed: "the store is closed: open it again"
        case .poisoned(let cause):
            "the store takes no more messages since they cannot be kept (\(cause)): what was "
                + "flushed before is on the device, what came after may be lost; close the store, "
                + "check the device, and open it again"
        // Said above. Named here so that the compiler finds a new case without a text.
        case .emptyTopic, .invalidTopic, .topicTooLong, .invalidQueueID, .propertiesTooLong,
            .bodyTooLarge, .recordTooLarge, .invalidProperty, .compressionFailed,
            .unsupportedQueueType, .invalidConfiguration, .emptyBatch, .batchTooLarge,
            .batchTooLong, .mixedBatch, .innerBatch, .malformedBatch, .unknownDirectoryLayout,
            .wrongFileLength, .fileSizeDiffers, .locked, .damagedLog, .readOnlyDirectory, .diskFull,
            .limitTooLow, .limitReached,
            .damagedRecord, .noRecord, .undecodableBody, .damagedQueue, .offsetOutOfRange,
            .physicalOffsetOutOfRange:
            ""
        }
    }
}

extension BatchDamage {
    /// What is wrong, as the end of a sentence.
    fileprivate var words: String {
        switch self {
        case .truncated(let at): "byte \(at) begins a frame that is cut off"
        case .sizeOutOfBounds(let at, let size):
            "the frame at byte \(at) says that it has \(size) bytes, which cannot be here"
        case .lengthsDisagree(let at):
            "the lengths in the frame at byte \(at) do not add up to its size"
        }
    }
}
