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
    /// Of a success: all before the last 16 digits of the id, with room for what differs there, and
    /// all from there to the number of the queue.
    fileprivate let json, binary: Parts

    /// What stands before and behind the last 16 digits of the id.
    fileprivate struct Parts: Sendable {
        let head, middle: [UInt8]

        /// All of an answer but the values of its other fields takes `limit` bytes at most.
        @inline(__always)
        func limit(_ answer: borrowing SendAnswer) -> Int {
            head.count &+ middle.count &+ SendAnswerForm.limit &+ answer.transactionID.byteCount
        }
    }

    public init(messageIDHead: MessageIDText, fields: PreparedFields) {
        self.messageIDHead = messageIDHead
        self.fields = fields
        let start = "{\"code\":\(ResponseCode.success.rawValue),\"extFields\":{\"msgId\":\""
        let id = [UInt8](messageIDHead.bytes)
        json = Parts(
            head: [UInt8](repeating: 0, count: Frame.prefix) + start.utf8 + id,
            middle: Array("\",".utf8) + fields.json + ",\"queueId\":\"".utf8)
        var encoder = HeaderEncoder()
        encoder.begin(HeaderNumbers(answering: .nobody, .success), remark: nil, .binary)
        encoder.field("msgId", id.rawSpan)
        var head = [UInt8](encoder.bytes)
        var span = head.mutableRawSpan
        let count = id.count + Self.offsetDigits
        span.storeBigEndian(Int32(truncatingIfNeeded: count), at: span.byteCount - id.count - 4)
        binary = Parts(head: head, middle: fields.binary + [0, 7] + "queueId".utf8)
    }

    fileprivate static var offsetDigits: Int { 16 }

    /// All of an answer but the values of its other fields, at most.
    fileprivate static var limit: Int { 320 }
}

extension ReplyKey {
    fileprivate static var nobody: ReplyKey {
        ReplyKey(opaque: 0, serialization: .binary, isOneWay: false)
    }
}

extension Outbound {
    /// Writes the answer to a send. Nearly all of them tell of a success.
    mutating func append(
        _ answer: borrowing SendAnswer, _ code: ResponseCode, _ form: borrowing SendAnswerForm,
        to key: ReplyKey
    ) {
        let id = answer.transactionID
        switch key.serialization {
        case .json where code == .success && id.byteCount >= 16 && !id.hasEscapesOfJSON:
            return append(json: answer, form, key.opaque)
        case .binary where code == .success: return append(binary: answer, form, key.opaque)
        default: break
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
        json answer: borrowing SendAnswer, _ form: borrowing SendAnswerForm, _ opaque: Int32
    ) {
        let parts = form.json
        fields.encoder.sink.append(atMost: parts.limit(answer)) { span, place in
            let start = place
            span.put(parts, around: answer.physicalOffset, at: &place)
            span.put(decimal: Int64(answer.queueID), at: &place)
            span.put("\",\"queueOffset\":\"", at: &place)
            span.put(decimal: answer.queueOffset, at: &place)
            span.put("\",\"transactionId\":\"", at: &place)
            span.put(answer.transactionID, at: &place)
            span.put("\"},\"flag\":1,\"language\":\"OTHER\",\"opaque\":", at: &place)
            span.put(decimal: Int64(opaque), at: &place)
            span.put(Self.tail, at: &place)
            let header = place &- start &- Frame.prefix
            span.storeBigEndian(Frame.start(header: header, .json, body: 0), at: start)
        }
    }

    @inline(__always)
    private mutating func append(
        binary answer: borrowing SendAnswer, _ form: borrowing SendAnswerForm, _ opaque: Int32
    ) {
        let parts = form.binary
        fields.encoder.sink.append(atMost: parts.limit(answer)) { span, place in
            let start = place
            span.put(parts, around: answer.physicalOffset, at: &place)
            span.put(counted: Int64(answer.queueID), at: &place)
            span.put("\0\u{B}queueOffset", at: &place)
            span.put(counted: answer.queueOffset, at: &place)
            span.put("\0\rtransactionId", at: &place)
            span.put(Int32(truncatingIfNeeded: answer.transactionID.byteCount), at: &place)
            span.put(answer.transactionID, at: &place)
            let header = place &- start &- Frame.prefix
            span.storeBigEndian(opaque, at: start &+ Frame.prefix &+ BinaryHeader.opaque.offset)
            // The length of the fields, behind that of a remark that is none.
            let fieldsCount = start &+ Frame.prefix &+ BinaryHeader.size
            span.storeBigEndian(
                Int32(truncatingIfNeeded: place &- fieldsCount &- 4), at: fieldsCount)
            span.storeBigEndian(Frame.start(header: header, .binary, body: 0), at: start)
        }
    }

    /// With `RemotingCommand.currentVersion`, which a test holds.
    private static var tail: StaticString {
        ",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":479}"
    }
}

extension MutableRawSpan {
    /// Puts all up to the number of the queue, with the digits of a physical offset at the end of
    /// the id.
    @inline(__always) @_lifetime(self: copy self)
    fileprivate mutating func put(
        _ parts: SendAnswerForm.Parts, around offset: Int64, at place: inout Int
    ) {
        put(parts.head.rawSpan, at: &place)
        put(UInt32(truncatingIfNeeded: offset >> 32).hexadecimalDigits, at: &place)
        put(UInt32(truncatingIfNeeded: offset).hexadecimalDigits, at: &place)
        put(parts.middle.rawSpan, at: &place)
    }

    /// Puts a number as a value in a binary header: its digits behind their count.
    @inline(__always) @_lifetime(self: copy self)
    fileprivate mutating func put(counted value: Int64, at place: inout Int) {
        let start = place
        put(0 as Int32, at: &place)
        put(decimal: value, at: &place)
        storeBigEndian(Int32(truncatingIfNeeded: place &- start &- 4), at: start)
    }
}
