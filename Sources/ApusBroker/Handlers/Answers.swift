// How answers get on their way. Those of sends and pulls are made of numbers, the others of text.

import ApusFormat
import ApusRemoting
import ApusStore

extension Connection {
    func refuse(_ key: ReplyKey, _ refusal: Refusal) {
        respond(to: key, Response(refusal.code, remark: refusal.remark))
    }

    /// A message is stored. `core` knows what stands in every answer.
    func answer(
        _ key: ReplyKey, sent result: AppendResult, queueID: Int32, uniqueID: RawSpan,
        _ core: BrokerCore
    ) {
        let answer = SendAnswer(
            physicalOffset: result.physicalOffset, queueID: queueID,
            queueOffset: result.queueOffset, transactionID: uniqueID)
        respond(to: key, result.status.code, answer, core.sendAnswers)
    }

    /// A batch is stored. `ids` are its offset message ids, `uniqueID` is its own, if it has one.
    func answer(
        _ key: ReplyKey, sent batch: BatchAppendResult, ids: [UInt8], queueID: Int32,
        uniqueID: RawSpan, _ core: BrokerCore
    ) {
        respond(to: key, batch.first.status.code) { fields in
            fields.append("msgId", plain: ids.rawSpan)
            fields.append(core.sendAnswers.fields)
            fields.append("queueId", Int64(queueID))
            fields.append("queueOffset", batch.first.queueOffset)
            if uniqueID.byteCount > 0 { fields.append("transactionId", uniqueID) }
        }
    }

    /// A reply was pushed, or was not for this reason, and stored if it has a place.
    func answer(
        _ key: ReplyKey, replied failure: String?, stored: AppendResult?, queueID: Int32,
        _ core: BrokerCore
    ) {
        respond(to: key, failure == nil ? .success : .systemError, remark: failure) { fields in
            fields.append(core.sendAnswers.fields)
            if let stored {
                let id = core.sendAnswers.messageIDHead.with(offset: stored.physicalOffset)
                fields.append("msgId", plain: id.bytes)
                fields.append("queueOffset", stored.queueOffset)
            } else if failure == nil {
                // Clients want them.
                fields.append("msgId", "0")
                fields.append("queueOffset", Int64(0))
            } else {
                return
            }
            fields.append("queueId", Int64(queueID))
        }
    }

    /// The group goes on elsewhere.
    func answer(_ pull: HeldPull, resetTo offset: Int64) {
        answer(
            pull,
            PullAnswer(
                status: .reset, code: .pullOffsetMoved, nextOffset: offset,
                offsets: 0..<max(0, offset)), nil)
    }

    /// A pull is over, with the records of `batch` if it found any.
    func answer(_ pull: HeldPull, _ found: PullAnswer, _ batch: MessageBatch?) {
        respond(
            to: pull.key, found.code, remark: found.status.rawValue,
            expecting: batch?.byteCount ?? 0
        ) { fields in
            fields.append("groupSysFlag", pull.groupFlag)
            fields.append("maxOffset", found.offsets.upperBound)
            fields.append("minOffset", found.offsets.lowerBound)
            fields.append("nextBeginOffset", found.nextOffset)
            fields.append("suggestWhichBrokerId", Int64(0))
            fields.append("topicSysFlag", pull.topicFlag)
        } body: { body in
            batch?.forEach { body.append($0.bytes) }
        }
    }
}

extension AppendStatus {
    /// Both are success to clients: the message is stored and will be delivered.
    fileprivate var code: ResponseCode { self == .stored ? .success : .flushDiskTimeout }
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
