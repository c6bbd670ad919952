// A request or a response with memory of its own: for clients, and for what is not hot.

/// How a header is written: RocketMQ calls the two JSON and ROCKETMQ.
public enum HeaderSerialization: UInt8, Sendable, Hashable, CaseIterable {
    case json = 0
    case binary = 1
}

/// A command that is owned.
public struct RemotingCommand: Sendable, Hashable {
    /// What is asked for, or how it ended: see `requestCode` and `responseCode`.
    public var code: Int32
    public var language: Language
    /// The release that the sender keeps to, as RocketMQ numbers them.
    public var version: Int32
    /// Pairs a response with its request; `Connection` and `RemotingClient` set it.
    public var opaque: Int32
    /// Bit 0: a response; bit 1: nobody waits for one.
    public var flags: Int32
    public var remark: String?
    public var fields: HeaderFields
    public var body: [UInt8]
    public var serialization: HeaderSerialization

    public init(
        code: Int32, language: Language = .other, version: Int32 = RemotingCommand.currentVersion,
        opaque: Int32 = 0, flags: Int32 = 0, remark: String? = nil, fields: HeaderFields = [:],
        body: [UInt8] = [], serialization: HeaderSerialization = .json
    ) {
        self.code = code
        self.language = language
        self.version = version
        self.opaque = opaque
        self.flags = flags
        self.remark = remark
        self.fields = fields
        self.body = body
        self.serialization = serialization
    }

    /// RocketMQ 5.3.3, by whose protocol we go.
    public static let currentVersion: Int32 = 479

    public var requestCode: RequestCode { RequestCode(code) }
    public var responseCode: ResponseCode { ResponseCode(code) }

    public var isResponse: Bool {
        get { flags & 1 != 0 }
        set { flags = newValue ? flags | 1 : flags & ~1 }
    }

    public var isOneWay: Bool {
        get { flags & 2 != 0 }
        set { flags = newValue ? flags | 2 : flags & ~2 }
    }

    public static func request(
        _ code: RequestCode, fields: HeaderFields = [:], body: [UInt8] = []
    ) -> RemotingCommand {
        RemotingCommand(code: code.rawValue, fields: fields, body: body)
    }

    /// The answer to this request: with its number, and in its serialisation.
    public func response(
        _ code: ResponseCode, remark: String? = nil, fields: HeaderFields = [:], body: [UInt8] = []
    ) -> RemotingCommand {
        RemotingCommand(
            code: code.rawValue, opaque: opaque, flags: 1, remark: remark, fields: fields,
            body: body, serialization: serialization)
    }
}
