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

    // Made once: each name is hashed.
    private static let queueID: FieldName = "queueId"
    private static let queueOffset: FieldName = "queueOffset"
    private static let messageID: FieldName = "msgId"

    /// Of a broker's answer.
    init(_ answer: borrowing Request, _ sentTo: MessageQueue, _ id: UniqueID) {
        let code = ResponseCode(answer.code.rawValue)
        guard let status = SendReceipt.Status(code) else {
            self = .refused(code, remark: answer.remark)
            return
        }
        do throws(HeaderError) {
            var queue = sentTo
            let number = try answer.int32(Self.queueID)
            if number != queue.id {
                queue = MessageQueue(topic: queue.topic, broker: queue.broker, id: number)
            }
            self = .stored(
                SendReceipt(
                    status: status, queue: queue, queueOffset: try answer.int64(Self.queueOffset),
                    uniqueID: id, place: Self.place(answer)))
        } catch {
            self = .misunderstood(error.description)
        }
    }

    /// Of a batch the broker names all places, with commas between.
    private static func place(_ answer: borrowing Request) -> OffsetMessageID? {
        guard let text = answer.bytes(Self.messageID) else { return nil }
        var end = 0
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
