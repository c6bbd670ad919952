// Step 3 in the life of a message: header → draft → `store.append` → response.
//
// SEND_MESSAGE (10), SEND_MESSAGE_V2 (310) and SEND_BATCH_MESSAGE (320). A topic that does not
// exist is made as an errand, since that waits for the disk; the request, copied, is carried out
// behind it.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import Synchronization

extension BrokerCore {
    /// `memo` is what was kept of the sends before.
    func sendMessage(
        _ request: borrowing Request, on connection: Connection, _ memo: inout AnyObject?
    ) throws(Refusal) {
        try checkAcceptsSends()
        if connection.putOff.load(ordering: .acquiring) > 0 {
            return sendInTurn(request, on: connection)
        }
        if sendAsBefore(request, on: connection, &memo) { return }
        try sendAny(request, on: connection, &memo)
    }

    /// Sends that came before wait until their topic is made: this one goes behind them.
    private func sendInTurn(_ request: borrowing Request, on connection: Connection) {
        let command = request.command
        laterInTurn(connection, request.replyKey) { (core) throws(Refusal) in
            try command.withRequest { (request) throws(Refusal) in
                var memo: AnyObject?
                try core.sendAny(request, on: connection, &memo)
            }
        }
    }

    private func sendAny(
        _ request: borrowing Request, on connection: Connection, _ memo: inout AnyObject?
    ) throws(Refusal) {
        let names = SendFieldNames.names(for: request.code)
        guard let name = request.bytes(names.topic) else {
            throw Refusal(HeaderError(field: names.topic.description, problem: .missing))
        }
        let generation = state.topics.generation.load(ordering: .acquiring)
        guard let topic = state.topics.topic(utf8: name) else {
            return try createTopic(for: request, names, on: connection) {
                (core, request, topic) throws(Refusal) in
                try core.sendMessage(request, names, to: topic, on: connection)
            }
        }
        try sendMessage(request, names, to: topic, on: connection)
        note(topic, generation: generation, in: &memo)
    }

    private func sendMessage(
        _ request: borrowing Request, _ names: SendFieldNames, to topic: Topic,
        on connection: Connection
    ) throws(Refusal) {
        let numbers: SendNumbers
        do throws(HeaderError) { numbers = try SendNumbers(request, names) } catch {
            throw Refusal(error)
        }
        let draft = MessageDraft(
            topic: topic, queueID: try checkedQueue(numbers.queueID, of: topic), numbers: numbers,
            bornHost: connection.remoteAddress, key: request.replyKey)
        try check(draft)
        let given = request.bytes(names.properties).orEmpty
        if numbers.isBatch {
            return try store(batch: request.body, given: given, draft, on: connection)
        }
        if try isHalf(given, PropertyScan(given), draft) {
            return try store(half: draft, body: request.body, given: given, on: connection)
        }
        if topic.isRetry {
            let properties = [UInt8](given)
            let body = [UInt8](request.body)
            let version = request.version
            return later(connection, draft.key) { (core) throws(Refusal) in
                try core.storeRetry(
                    draft, body: body, properties: properties, version: version, on: connection)
            }
        }
        try store(draft, body: request.body, given: given, on: connection)
    }

    /// What stands in the way of any send.
    func checkAcceptsSends() throws(Refusal) {
        let start = configuration.acceptsSendsFrom
        guard start > 0, time.wallMilliseconds < start else { return }
        throw Refusal(.systemError, "broker unable to service, until \(start)")
    }

    /// Whether its settings, and those of the broker, let clients send to a topic.
    func isOpen(_ topic: Topic) -> Bool {
        topic.settings.permission.contains(.write)
            && (configuration.permission.contains(.write) || !topic.settings.isOrdered)
    }

    func check(_ draft: MessageDraft) throws(Refusal) {
        let topic = draft.topic
        if topic.isClosedToSends {
            throw Refusal(
                .noPermission, "Sending message to topic[\(topic.name)] is forbidden.")
        }
        if !isOpen(topic) {
            throw Refusal(
                .noPermission, "the topic[\(topic.name)] of this broker takes no messages")
        }
        if draft.numbers.isBatch, draft.numbers.systemFlag.transaction != .none {
            throw Refusal.noHalf
        }
        if draft.numbers.isBatch, topic.isRetry {
            throw Refusal(.messageIllegal, "batch request does not support retry group")
        }
    }

    /// The queue that is asked for, or any of those that may be written when that is negative.
    func checkedQueue(_ id: Int32, of topic: Topic) throws(Refusal) -> Int32 {
        let writeQueues = topic.settings.writeQueues
        if id < 0 { return Int32.random(in: 0..<max(1, writeQueues)) }
        let readQueues = topic.settings.readQueues
        if id < max(writeQueues, readQueues) { return id }
        throw Refusal(
            .systemError,
            "request queueId[\(id)] is illegal, the topic \(topic.name) has "
                + "\(writeQueues) write and \(readQueues) read queues")
    }
}

// MARK: - Topics that are not there

extension BrokerCore {
    /// Makes the topic of a send, or of a reply, and then has the request carried out.
    func createTopic(
        for request: borrowing Request, _ names: SendFieldNames, on connection: Connection,
        then carryOut:
            @escaping @Sendable (BrokerCore, borrowing Request, Topic) throws(Refusal) -> Void
    ) throws(Refusal) {
        let (name, example, queues, isUnit) = try Refusal.fields { () throws(HeaderError) in
            (
                try request.string(names.topic), request.optionalString(names.defaultTopic) ?? "",
                try request.int32(names.defaultQueues, or: 4),
                request.bool(names.unitMode, or: false)
            )
        }
        if let complaint = NameRules.complaint(topic: name) {
            throw Refusal(.systemError, complaint)
        }
        if NameRules.isClosedToSends(name) {
            throw Refusal(.noPermission, "Sending message to topic[\(name)] is forbidden.")
        }
        let command = request.command
        laterInTurn(connection, request.replyKey) { (core) throws(Refusal) in
            try core.create(name, like: example, queues: queues, isUnit: isUnit)
            // The topic is there now; or removed again, which a second look would not end.
            guard let topic = core.state.topics.topic(name) else {
                throw Refusal(.topicNotExist, "topic[\(name)] not exist, apply first please!")
            }
            try command.withRequest { (request) throws(Refusal) in
                try carryOut(core, request, topic)
            }
        }
    }

    /// As RocketMQ does it: after its example, or else, a retry topic for itself.
    private func create(
        _ name: String, like example: String, queues: Int32, isUnit: Bool
    ) throws(Refusal) {
        let isRetry = name.hasPrefix(WellKnownName.retryPrefix)
        let flag: Int32 = isUnit ? (isRetry ? 2 : 1) : 0
        let made = try Refusal.state { () throws(StateError) in
            try state.topics.createOnSend(name, like: example, queues: queues, systemFlag: flag)
        }
        guard case .refused(let reason) = made else { return }
        guard isRetry else {
            throw Refusal(
                .topicNotExist, "topic[\(name)] not exist, apply first please! (\(reason))")
        }
        var settings = TopicSettings(name, queues: 1)
        settings.systemFlag = flag
        _ = try Refusal.state { () throws(StateError) in
            try state.topics.createIfAbsent(settings)
        }
    }
}
