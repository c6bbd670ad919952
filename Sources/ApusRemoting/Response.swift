// The answer to a request, owned.

/// An answer; `Connection.respond(to:_:)` gives it its request's number and serialisation.
public struct Response: Sendable, Hashable {
    public var code: ResponseCode
    /// Words for a person; clients show them.
    public var remark: String?
    public var fields: HeaderFields
    public var body: [UInt8]

    public init(
        _ code: ResponseCode, remark: String? = nil, fields: HeaderFields = [:], body: [UInt8] = []
    ) {
        self.code = code
        self.remark = remark
        self.fields = fields
        self.body = body
    }

    /// The answer that clients expect to a code that is not known: some ask in order to find out.
    public static func unsupported(_ code: RequestCode) -> Response {
        Response(.requestCodeNotSupported, remark: " request type \(code) not supported")
    }

    func command(to key: ReplyKey) -> RemotingCommand {
        RemotingCommand(
            code: code.rawValue, opaque: key.opaque, flags: 1, remark: remark, fields: fields,
            body: body, serialization: key.serialization)
    }
}
