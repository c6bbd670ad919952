// How answers get on their way. Those of sends and pulls are made of numbers, the others of text.

import ApusFormat
import ApusRemoting
import ApusStore

extension Connection {
    func answer(_ key: ReplyKey, _ answer: Answer) {
        if key.isOneWay { return }
        send(
            RemotingCommand(
                code: answer.code.rawValue, language: .other, opaque: key.opaque, flags: 1,
                remark: answer.remark, fields: answer.fields, body: answer.body,
                serialization: key.serialization))
    }

    func refuse(_ key: ReplyKey, _ refusal: Refusal) {
        answer(key, Answer(refusal.code, remark: refusal.remark))
    }

    /// A message is stored. `id` is its unique id.
    func answer(_ key: ReplyKey, sent result: AppendResult, queueID: Int32, id: RawSpan) {
        answer(
            key,
            Answer(
                result.status.code,
                fields: [
                    "msgId": result.messageID.text, "queueId": String(queueID),
                    "queueOffset": String(result.queueOffset),
                    "transactionId": String(decodingUTF8: id),
                ]))
    }

    /// A batch is stored. `ids` are its offset message ids.
    func answer(_ key: ReplyKey, sent batch: BatchAppendResult, ids: String, queueID: Int32) {
        answer(
            key,
            Answer(
                batch.first.status.code,
                fields: [
                    "msgId": ids, "queueId": String(queueID),
                    "queueOffset": String(batch.first.queueOffset),
                ]))
    }

    /// A pull is over, with the records of `batch` if it found any.
    func answer(_ pull: HeldPull, _ found: PullAnswer, _ batch: MessageBatch?) {
        var body: [UInt8] = []
        if let batch {
            body.reserveCapacity(batch.byteCount)
            batch.forEach { body.append(copyOf: $0.bytes) }
        }
        answer(
            pull.key,
            Answer(
                found.code, remark: found.status.rawValue,
                fields: [
                    "suggestWhichBrokerId": "0", "nextBeginOffset": String(found.nextOffset),
                    "minOffset": String(found.offsets.lowerBound),
                    "maxOffset": String(found.offsets.upperBound),
                    "topicSysFlag": String(pull.topicFlag), "groupSysFlag": String(pull.groupFlag),
                ], body: body))
    }
}

extension AppendStatus {
    /// Both are success to clients: the message is stored and will be delivered.
    fileprivate var code: ResponseCode { self == .stored ? .success : .flushDiskTimeout }
}

extension [UInt8] {
    /// Appends a copy of `bytes`.
    mutating func append(copyOf bytes: RawSpan) {
        // Safe: the pointer is used within the call, and the buffer bounds what is copied.
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}

extension RawSpan? {
    /// The bytes, or none.
    var orEmpty: RawSpan {
        @_lifetime(copy self) get {
            guard let bytes = self else { return RawSpan() }
            return bytes
        }
    }
}
