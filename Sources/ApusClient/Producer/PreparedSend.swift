// A message as it goes over the wire: made once, however often it is tried.

internal import ApusFormat
internal import ApusRemoting

/// What is sent, for any queue of its topic.
struct PreparedSend: Sendable {
    let topic: String
    let uniqueID: UniqueID
    var body: [UInt8]
    /// As brokers store them; of a batch none, since its messages have their own.
    var properties: [UInt8]
    let systemFlag: SystemFlag
    let bornMilliseconds: Int64
    let flag: Int32
    let isBatch: Bool

    var code: RequestCode { isBatch ? .sendBatchMessage : .sendMessageV2 }

    /// Sends it; `receiver` hears once how it went. False when the connection is closed.
    @inline(__always)
    func begin(
        to target: SendTarget, _ route: PublishRoute, on connection: Connection, timeout: Duration,
        receiver: any ResponseReceiver
    ) -> Bool {
        connection.ask(code, .binary, timeout: timeout, receiver: receiver, expecting: body.count) {
            fields in
            write(&fields, to: target, route)
        } body: {
            $0.append(body.rawSpan)
        }
    }

    @inline(__always)
    func write(_ fields: inout FieldWriter, to target: SendTarget, _ route: PublishRoute) {
        fields.append(route.head)
        fields.append("e", Int64(target.queue.id))
        fields.append("f", Int64(systemFlag.rawValue))
        fields.append("g", bornMilliseconds)
        fields.append("h", Int64(flag))
        fields.append("i", properties.rawSpan)
        fields.append(isBatch ? target.endpoint.batchTail : target.endpoint.tail)
    }

    /// The same as a command of its own, for what must be signed or wants no answer.
    func command(to target: SendTarget, group: String) -> RemotingCommand {
        let fields = SendFields(
            group: group, topic: topic, queue: target.queue.id, systemFlag: systemFlag.rawValue,
            bornMilliseconds: bornMilliseconds, flag: flag, properties: properties,
            isBatch: isBatch, broker: target.endpoint.broker)
        return RemotingCommand.request(code, fields: fields.header, body: body)
    }
}

extension PreparedSend {
    /// What a pipeline has written: the request of a single message. Nil for anything else.
    init?(_ frame: RawSpan, topic: String, _ id: UniqueID) {
        guard let command = try? RemotingCommand(decoding: frame, limits: .none),
            let properties = command.fields["i"],
            let born = command.fields["g"].flatMap({ Int64($0) }),
            let systemFlag = command.fields["f"].flatMap({ Int32($0) }),
            let flag = command.fields["h"].flatMap({ Int32($0) })
        else { return nil }
        self.init(
            topic: topic, uniqueID: id, body: command.body, properties: Array(properties.utf8),
            systemFlag: SystemFlag(rawValue: systemFlag), bornMilliseconds: born, flag: flag,
            isBatch: false)
    }
}
