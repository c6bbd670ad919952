// The answer to a send, which a broker writes more often than anything else: in one step, not field
// by field. What is the same in all of them was encoded once.

internal import ApusFormat

/// Where a message was stored, as its producer is told.
public struct SendAnswer: ~Escapable {
    let physicalOffset, queueOffset: Int64
    let queueID: Int32
    let transactionID: RawSpan

    @_lifetime(copy transactionID)
    public init(
        physicalOffset: Int64, queueID: Int32, queueOffset: Int64, transactionID: RawSpan
    ) {
        self.physicalOffset = physicalOffset
        self.queueID = queueID
        self.queueOffset = queueOffset
        self.transactionID = transactionID
    }
}

/// What all answers of a broker to sends have in common.
public struct SendAnswerForm: Sendable {
    /// What the ids of all messages begin with.
    public let messageIDHead: MessageIDText
    /// Fields that stand in each answer as they are.
    public let fields: PreparedFields
    /// Of a success in JSON, with room for the lengths: all before the last 16 digits of the id.
    fileprivate let head: [UInt8]
    /// From there to the number of the queue.
    fileprivate let middle: [UInt8]

    public init(messageIDHead: MessageIDText, fields: PreparedFields) {
        self.messageIDHead = messageIDHead
        self.fields = fields
        let start = "{\"code\":\(ResponseCode.success.rawValue),\"extFields\":{\"msgId\":\""
        head =
            [UInt8](repeating: 0, count: Frame.prefix) + start.utf8
            + [UInt8](messageIDHead.bytes)
        middle = Array("\",".utf8) + fields.json + ",\"queueId\":\"".utf8
    }

    /// All but the values of its other fields, at most.
    fileprivate var byteCount: Int { head.count &+ middle.count &+ 320 }
}

extension Outbound {
    /// Writes the answer to a send. A success in JSON is what nearly all of them are.
    mutating func append(
        _ answer: borrowing SendAnswer, _ code: ResponseCode, _ form: borrowing SendAnswerForm,
        to key: ReplyKey
    ) {
        let id = answer.transactionID
        if code == .success, key.serialization == .json, id.byteCount >= 16, !id.hasEscapesOfJSON {
            return append(success: answer, form, to: key)
        }
        append(HeaderNumbers(answering: key, code), remark: nil, key.serialization) { fields in
            let text = form.messageIDHead.with(offset: answer.physicalOffset)
            fields.append("msgId", plain: text.bytes)
            fields.append(form.fields)
            fields.append("queueId", Int64(answer.queueID))
            fields.append("queueOffset", answer.queueOffset)
            fields.append("transactionId", id)
        }
    }

    @inline(__always)
    private mutating func append(
        success answer: borrowing SendAnswer, _ form: borrowing SendAnswerForm, to key: ReplyKey
    ) {
        fields.encoder.sink.append(
            atMost: form.byteCount &+ answer.transactionID.byteCount
        ) { span, place in
            let start = place
            span.put(form.head.rawSpan, at: &place)
            let offset = UInt64(bitPattern: answer.physicalOffset)
            span.put(UInt32(truncatingIfNeeded: offset >> 32).hexadecimalDigits, at: &place)
            span.put(UInt32(truncatingIfNeeded: offset).hexadecimalDigits, at: &place)
            span.put(form.middle.rawSpan, at: &place)
            span.put(decimal: Int64(answer.queueID), at: &place)
            span.put("\",\"queueOffset\":\"", at: &place)
            span.put(decimal: answer.queueOffset, at: &place)
            span.put("\",\"transactionId\":\"", at: &place)
            span.put(answer.transactionID, at: &place)
            span.put("\"},\"flag\":1,\"language\":\"OTHER\",\"opaque\":", at: &place)
            span.put(decimal: Int64(key.opaque), at: &place)
            span.put(Self.tail, at: &place)
            let header = place &- start &- Frame.prefix
            span.storeBigEndian(Frame.start(header: header, .json, body: 0), at: start)
        }
    }

    /// With `RemotingCommand.currentVersion`, which a test holds.
    private static var tail: StaticString {
        ",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":479}"
    }
}
