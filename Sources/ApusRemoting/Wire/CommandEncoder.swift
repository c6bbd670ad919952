// Commands into bytes: the header into a buffer that is used again and again, the body behind it.

internal import ApusFormat

/// Writes frames one behind the other, each with fields that come one after the other.
///
/// The order is fastjson's, by name, so that what RocketMQ wrote is written again as it was.
struct HeaderEncoder {
    /// Frames, whole but for a body that is still to come.
    var sink = ByteSink()
    /// Where the frame begins that is being written.
    private(set) var start = 0
    private var serialization = HeaderSerialization.json
    /// Where the fields' length stands in a binary header.
    private var fieldsStart = 0
    private var hasFields = false
    private var numbers = HeaderNumbers()

    /// What was written.
    var bytes: RawSpan {
        @_lifetime(borrow self) get { sink.bytes }
    }
    var byteCount: Int { sink.count }

    /// Begins a frame behind the others; fields follow, then `end`.
    mutating func begin(
        _ numbers: HeaderNumbers, remark: String?, _ serialization: HeaderSerialization
    ) {
        start = sink.count
        sink.append(bigEndian: 0 as UInt64)
        self.serialization = serialization
        self.numbers = numbers
        hasFields = false
        switch serialization {
        case .json:
            sink.append("{\"code\":", decimal: Int64(numbers.code), "")
        case .binary:
            sink.append(bigEndian: Int16(truncatingIfNeeded: numbers.code))
            sink.append(numbers.language.rawValue)
            sink.append(bigEndian: Int16(truncatingIfNeeded: numbers.version))
            sink.append(bigEndian: numbers.opaque)
            sink.append(bigEndian: numbers.flags)
            sink.append(counted: remark ?? "")
            fieldsStart = sink.count
            sink.append(bigEndian: Int32(0))
        }
    }

    mutating func field(_ name: StaticString, _ value: RawSpan) {
        switch serialization {
        case .json: sink.append(field: name, quoting: value, isFirst: !hasFields)
        case .binary: binaryField(name, value)
        }
        hasFields = true
    }

    /// The same for a value that needs no escapes in JSON.
    mutating func field(_ name: StaticString, plain value: RawSpan) {
        switch serialization {
        case .json: sink.append(field: name, plain: value, isFirst: !hasFields)
        case .binary: binaryField(name, value)
        }
        hasFields = true
    }

    private mutating func binaryField(_ name: StaticString, _ value: RawSpan) {
        sink.append(bigEndian: Int16(truncatingIfNeeded: name.utf8CodeUnitCount))
        sink.append(name)
        sink.append(bigEndian: Int32(truncatingIfNeeded: value.byteCount))
        sink.append(value)
    }

    mutating func field(_ name: StaticString, _ value: Int64) {
        switch serialization {
        case .json:
            sink.append(field: name, decimal: value, isFirst: !hasFields)
        case .binary:
            sink.append(bigEndian: Int16(truncatingIfNeeded: name.utf8CodeUnitCount))
            sink.append(name)
            let start = sink.count
            sink.append(bigEndian: Int32(0))
            sink.append(decimal: value)
            sink.put(Int32(sink.count - start - 4), at: start)
        }
        hasFields = true
    }

    mutating func field(_ name: StaticString, _ value: String) {
        let utf8 = value.utf8
        // Safe: every bit pattern of a byte is one.
        unsafe field(name, utf8.span.bytes)
    }

    mutating func fields(_ prepared: PreparedFields) {
        switch serialization {
        case .json:
            sink.append(hasFields ? "," : ",\"extFields\":{")
            sink.append(prepared.json.rawSpan)
        case .binary: sink.append(prepared.binary.rawSpan)
        }
        hasFields = true
    }

    mutating func field(_ name: String, _ value: String) {
        switch serialization {
        case .json:
            sink.append(hasFields ? "," : ",\"extFields\":{")
            sink.append(quoted: name)
            sink.append(UInt8(ascii: ":"))
            sink.append(quoted: value)
        case .binary:
            sink.append(bigEndian: Int16(truncatingIfNeeded: name.utf8.count))
            sink.append(name)
            sink.append(counted: value)
        }
        hasFields = true
    }

    /// Ends the header, and says in its first bytes how long a body follows. One that turns out to
    /// be there is announced by `setBody`.
    mutating func end(remark: String?, bodyCount: Int) {
        switch serialization {
        case .json:
            sink.append(
                hasFields ? "},\"flag\":" : ",\"flag\":", decimal: Int64(numbers.flags),
                ",\"language\":\"")
            sink.append(numbers.language.name)
            sink.append("\",\"opaque\":", decimal: Int64(numbers.opaque), "")
            if let remark {
                sink.append(",\"remark\":")
                sink.append(quoted: remark)
            }
            sink.append(
                ",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":",
                decimal: Int64(numbers.version), "}")
        case .binary:
            sink.put(Int32(truncatingIfNeeded: sink.count - fieldsStart - 4), at: fieldsStart)
        }
        let header = sink.count &- start &- Frame.prefix
        sink.put(
            Frame.start(header: header, serialization, body: bodyCount),
            at: start &+ Frame.length.offset)
    }

    /// Everything behind the header, which was the last that was written, is its body.
    mutating func setBody() {
        sink.put(
            Int32(truncatingIfNeeded: sink.count &- start &- Frame.length.end),
            at: start &+ Frame.length.offset)
    }

    /// A whole header of a command that is owned.
    mutating func encode(_ command: RemotingCommand) {
        let numbers = HeaderNumbers(
            code: command.code, language: command.language, version: command.version,
            opaque: command.opaque, flags: command.flags)
        begin(numbers, remark: command.remark, command.serialization)
        for field in command.fields.all { self.field(field.name, field.value) }
        end(remark: command.remark, bodyCount: command.body.count)
    }
}

extension RemotingCommand {
    /// Appends the command as a frame. A binary header holds the lower 16 bits of code and version.
    public func encode(into out: inout [UInt8]) {
        var encoder = HeaderEncoder()
        encoder.encode(self)
        out.append(copyOf: encoder.bytes)
        out.append(contentsOf: body)
    }

    /// Reads the frame that `bytes` are, whole.
    public init(decoding bytes: RawSpan, limits: HeaderLimits = HeaderLimits()) throws(FrameError) {
        guard let size = try Frame.size(in: bytes, at: 0, limits), size == bytes.byteCount else {
            throw .frameTooShort(bytes.byteCount)
        }
        let frame = try Frame(bytes)
        var index = HeaderIndex()
        try index.read(frame.header, frame.serialization, limits)
        self = Request(index, frame).command
    }
}

extension HeaderNumbers {
    /// What stands in an answer of ours.
    init(answering key: ReplyKey, _ code: ResponseCode) {
        self.init(
            code: code.rawValue, language: .other, version: RemotingCommand.currentVersion,
            opaque: key.opaque, flags: 1)
    }

    /// What stands in a request of ours.
    init(asking code: RequestCode, _ opaque: Int32) {
        self.init(
            code: code.rawValue, language: .other, version: RemotingCommand.currentVersion,
            opaque: opaque, flags: 0)
    }
}

extension [UInt8] {
    /// Appends a copy of `bytes`.
    @inline(__always)
    mutating func append(copyOf bytes: RawSpan) {
        // Safe: the pointer is used within the call, and the buffer bounds what is copied.
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
