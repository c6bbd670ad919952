// SEND_REPLY_MESSAGE (324) and its short spelling (325): a consumer answers a message whose
// producer waits for it. The reply is pushed to that producer's connection
// (PUSH_REPLY_MESSAGE_TO_CLIENT, 326) and stored; the answer says whether it was taken.
//
// Pushed and stored at once, as neither waits here: on the event loop, like a send.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import Logging
import Synchronization

extension BrokerCore {
    func sendReply(_ request: borrowing Request, on connection: Connection) throws(Refusal) {
        try checkAcceptsSends()
        let names = SendFieldNames.names(forReply: request.code)
        let name = try Refusal.fields { () throws(HeaderError) in try request.string(names.topic) }
        guard let topic = state.topics.topic(name) else {
            return try createTopic(for: request, names, on: connection) {
                (core, request, topic) throws(Refusal) in
                try core.sendReply(request, names, to: topic, on: connection)
            }
        }
        try sendReply(request, names, to: topic, on: connection)
    }

    private func sendReply(
        _ request: borrowing Request, _ names: SendFieldNames, to topic: Topic,
        on connection: Connection
    ) throws(Refusal) {
        let reply = try Refusal.fields { () throws(HeaderError) in
            try Reply(request, names, topic)
        }
        let numbers = reply.numbers
        if numbers.systemFlag.transaction != .none { throw Refusal.noHalf }
        let draft = MessageDraft(
            topic: topic, queueID: try checkedQueue(numbers.queueID, of: topic), numbers: numbers,
            bornHost: connection.remoteAddress, key: request.replyKey)
        try check(draft)
        try admitReply()
        let flight = ReplyInFlight(
            isStored: configuration.sending.storesReplies
        ) { [self] failure, stored in
            statistics.waitingReplies.wrappingSubtract(1, ordering: .relaxed)
            connection.answer(
                draft.key, replied: failure, stored: stored, queueID: draft.queueID, self)
        }
        push(reply, draft, body: [UInt8](request.body), flight)
        if configuration.sending.storesReplies {
            store(draft, body: request.body, properties: reply.properties.rawSpan, flight)
        }
    }

    /// One more reply that is on its way, unless too many are.
    private func admitReply() throws(Refusal) {
        let waiting = statistics.waitingReplies.wrappingAdd(1, ordering: .relaxed).newValue
        guard waiting > configuration.sending.waitingReplyLimit else { return }
        statistics.waitingReplies.wrappingSubtract(1, ordering: .relaxed)
        throw Refusal(.systemBusy, "[REJECTREQUEST]system busy, \(waiting) replies wait")
    }

    /// Hands the reply to whoever waits for it.
    private func push(_ reply: Reply, _ draft: MessageDraft, body: [UInt8], _ flight: ReplyInFlight)
    {
        guard let id = reply.requester else {
            return flight.pushed(
                failure: "reply message properties[\(PropertyName.replyToClient)] is null")
        }
        let number = clients.withLock { $0.connection(producer: id) }
        guard let number, let target = connections.connections([number]).first else {
            return flight.pushed(
                failure: "push reply message fail, channel of <\(id)> not found.")
        }
        let request = RemotingCommand.request(
            .pushReplyMessageToClient,
            fields: reply.pushFields(draft, storeHost: address, time: time.wallMilliseconds),
            body: body)
        target.invoke(request, timeout: Self.pushTimeout) { [logger] outcome in
            let reason: String
            switch outcome {
            case .success(let answer):
                if answer.responseCode == .success { return flight.pushed(failure: nil) }
                reason = answer.remark ?? "code \(answer.code)"
            case .failure(let error): reason = "\(error)"
            }
            logger.warning(
                "a reply was not taken", metadata: ["client": "\(id)", "reason": "\(reason)"])
            // RocketMQ's words, and its missing blank.
            flight.pushed(failure: "push reply message to \(id)fail.")
        }
    }

    /// As long as a client waits for the answer to a send.
    private static let pushTimeout = Duration.seconds(3)

    private func store(
        _ draft: MessageDraft, body: RawSpan, properties: RawSpan, _ flight: ReplyInFlight
    ) {
        do throws(Refusal) {
            let queue = try self.queue(draft.topic, draft.queueID)
            statistics.sent(messages: 1, bytes: body.byteCount)
            draft.topic.messagesIn.wrappingAdd(1, ordering: .relaxed)
            store.append(
                to: queue, body: body, properties: properties, attributes: draft.attributes
            ) { [self] outcome in
                switch outcome {
                case .success(let result): flight.stored(result)
                case .failure(let error): notStored(draft, "\(error)", flight)
                }
            }
        } catch {
            notStored(draft, error.remark, flight)
        }
    }

    /// The requester may have the reply all the same, which is what the answer is about.
    private func notStored(_ draft: MessageDraft, _ reason: String, _ flight: ReplyInFlight) {
        logger.warning(
            "a reply was not stored",
            metadata: ["topic": "\(draft.topic.name)", "reason": "\(reason)"])
        flight.stored(nil)
    }
}

/// What a reply says besides its body.
private struct Reply {
    let numbers: SendNumbers
    let producerGroup, defaultTopic: String
    let defaultQueues: Int32
    let isUnit: Bool
    /// As the client encoded them.
    let properties: [UInt8]
    /// The id of the client that waits.
    let requester: String?

    init(
        _ request: borrowing Request, _ names: SendFieldNames, _ topic: Topic
    ) throws(HeaderError) {
        numbers = try SendNumbers(request, names)
        producerGroup = try request.string(names.producerGroup)
        defaultTopic = try request.string(names.defaultTopic)
        defaultQueues = try request.int32(names.defaultQueues)
        isUnit = request.bool(names.unitMode, or: false)
        let given = request.bytes(names.properties).orEmpty
        properties = [UInt8](given)
        requester = Properties.valueRange(of: PropertyName.replyToClient, in: given).map {
            String(decodingUTF8: given.extracting($0))
        }
    }

    /// The fields of the push, with the time of it among the message's properties.
    func pushFields(_ draft: MessageDraft, storeHost: HostAddress, time: Int64) -> HeaderFields {
        var properties = properties
        PropertyEdit.set(PropertyName.pushReplyTime, String(time), in: &properties)
        return [
            "bornHost": draft.bornHost.description, "storeHost": storeHost.description,
            "storeTimestamp": String(time), "producerGroup": producerGroup,
            "topic": draft.topic.name, "defaultTopic": defaultTopic,
            "defaultTopicQueueNums": String(defaultQueues), "queueId": String(numbers.queueID),
            "sysFlag": String(numbers.systemFlag.rawValue),
            "bornTimestamp": String(numbers.bornTimestamp), "flag": String(numbers.flag),
            "properties": String(decoding: properties, as: UTF8.self),
            "reconsumeTimes": String(numbers.reconsumeTimes), "unitMode": String(isUnit),
        ]
    }
}

/// A reply on its way to the requester and into the store: answered when both are done.
private final class ReplyInFlight: Sendable {
    private struct State {
        var missing: Int
        var failure: String?
        var stored: AppendResult?
    }

    private let state: Mutex<State>
    private let answer: @Sendable (_ failure: String?, _ stored: AppendResult?) -> Void

    /// `answer` gets why the requester has not got it, if so, and where it is stored, if it is.
    init(
        isStored: Bool,
        answer: @escaping @Sendable (_ failure: String?, _ stored: AppendResult?) -> Void
    ) {
        state = Mutex(State(missing: isStored ? 2 : 1))
        self.answer = answer
    }

    func pushed(failure: String?) { step { $0.failure = failure } }
    func stored(_ result: AppendResult?) { step { $0.stored = result } }

    private func step(_ note: (inout State) -> Void) {
        let done = state.withLock { state -> State? in
            note(&state)
            state.missing -= 1
            return state.missing == 0 ? state : nil
        }
        if let done { answer(done.failure, done.stored) }
    }
}
