// What came of one attempt to send.

internal import ApusFormat
internal import ApusRemoting

/// How an attempt ended.
enum SendOutcome: Sendable {
    case stored(SendReceipt)
    case refused(ResponseCode, remark: String?)
    case failed(RemotingError)
    /// A success without the fields of one.
    case misunderstood(String)
    case cancelled

    /// Of a broker's answer.
    init(_ answer: borrowing Request, _ sentTo: MessageQueue, _ id: UniqueID) {
        let code = ResponseCode(answer.code.rawValue)
        guard let status = SendReceipt.Status(code) else {
            self = .refused(code, remark: answer.remark)
            return
        }
        do throws(HeaderError) {
            self = .stored(try StoredParts(status, answer).receipt(sentTo, id))
        } catch {
            self = .misunderstood(error.description)
        }
    }
}

/// What a broker's answer says of a message that is stored.
struct StoredParts: Sendable {
    let status: SendReceipt.Status
    let queueID: Int32
    let queueOffset: Int64
    let place: OffsetMessageID?

    // Made once: each name is hashed.
    private static let queueID: FieldName = "queueId"
    private static let queueOffset: FieldName = "queueOffset"
    private static let messageID: FieldName = "msgId"

    init(
        _ status: SendReceipt.Status, _ answer: borrowing Request
    ) throws(HeaderError) {
        self.status = status
        queueID = try answer.int32(Self.queueID)
        queueOffset = try answer.int64(Self.queueOffset)
        place = Self.place(answer)
    }

    /// Nil for any answer but a success that can be read.
    init?(_ answer: borrowing Request) {
        guard let status = SendReceipt.Status(ResponseCode(answer.code.rawValue)) else {
            return nil
        }
        do throws(HeaderError) { try self.init(status, answer) } catch { return nil }
    }

    /// `sentTo` is the queue that was asked for; the broker may have taken another.
    func receipt(_ sentTo: MessageQueue, _ id: UniqueID) -> SendReceipt {
        let queue =
            queueID == sentTo.id
            ? sentTo : MessageQueue(topic: sentTo.topic, broker: sentTo.broker, id: queueID)
        return SendReceipt(
            status: status, queue: queue, queueOffset: queueOffset, uniqueID: id, place: place)
    }

    /// Of a batch the broker names all places, with commas between.
    private static func place(_ answer: borrowing Request) -> OffsetMessageID? {
        guard let text = answer.bytes(Self.messageID) else { return nil }
        var end = 0
        // Of a single message there is no need to look.
        if text.byteCount == 32 { end = 32 }
        while end < text.byteCount, text.loadBigEndian(UInt8.self, at: end) != UInt8(ascii: ",") {
            end += 1
        }
        return OffsetMessageID(utf8: text.extracting(0..<end))
    }
}

extension SendReceipt.Status {
    /// Nil for a code that is a refusal.
    init?(_ code: ResponseCode) {
        switch code {
        case .success: self = .stored
        case .flushDiskTimeout: self = .notFlushedInTime
        case .flushSlaveTimeout: self = .notReplicatedInTime
        case .slaveNotAvailable: self = .noReplica
        default: return nil
        }
    }
}
