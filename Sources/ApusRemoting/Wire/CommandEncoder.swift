// Commands into bytes: the header into a buffer that is used again and again, the body behind it.

internal import ApusFormat

/// Writes headers, with fields coming one after the other.
///
/// The order is fastjson's, by name, so that what RocketMQ wrote is written again as it was.
struct HeaderEncoder {
    /// From the frame's length up to the end of the header.
    private(set) var bytes: [UInt8] = []
    private var serialization = HeaderSerialization.json
    /// Where the fields' length stands in a binary header.
    private var fieldsStart = 0
    private var hasFields = false
    private var numbers = HeaderNumbers()

    /// Begins a header; fields follow, then `end`.
    mutating func begin(
        _ numbers: HeaderNumbers, remark: String?, _ serialization: HeaderSerialization
    ) {
        bytes.removeAll(keepingCapacity: true)
        for _ in 0..<Frame.prefix { bytes.append(0) }
        self.serialization = serialization
        self.numbers = numbers
        hasFields = false
        switch serialization {
        case .json:
            bytes.append(static: "{\"code\":")
            bytes.append(decimal: Int64(numbers.code))
        case .binary:
            bytes.append(bigEndian: Int16(truncatingIfNeeded: numbers.code))
            bytes.append(numbers.language.rawValue)
            bytes.append(bigEndian: Int16(truncatingIfNeeded: numbers.version))
            bytes.append(bigEndian: numbers.opaque)
            bytes.append(bigEndian: numbers.flags)
            bytes.append(counted: remark ?? "")
            fieldsStart = bytes.count
            bytes.append(bigEndian: Int32(0))
        }
    }

    /// Puts the name of a field, up to where its value begins.
    @inline(__always)
    private mutating func name(_ name: StaticString) {
        switch serialization {
        case .json:
            bytes.append(static: hasFields ? ",\"" : ",\"extFields\":{\"")
            bytes.append(static: name)
            bytes.append(static: "\":\"")
        case .binary:
            bytes.append(bigEndian: Int16(truncatingIfNeeded: name.utf8CodeUnitCount))
            bytes.append(static: name)
        }
        hasFields = true
    }

    mutating func field(_ name: StaticString, _ value: RawSpan) {
        self.name(name)
        switch serialization {
        case .json:
            bytes.append(escaping: value)
            bytes.append(UInt8(ascii: "\""))
        case .binary:
            bytes.append(bigEndian: Int32(truncatingIfNeeded: value.byteCount))
            bytes.append(copyOf: value)
        }
    }

    mutating func field(_ name: StaticString, _ value: Int64) {
        self.name(name)
        switch serialization {
        case .json:
            bytes.append(decimal: value)
            bytes.append(UInt8(ascii: "\""))
        case .binary:
            let start = bytes.count
            bytes.append(bigEndian: Int32(0))
            bytes.append(decimal: value)
            bytes.put(Int32(bytes.count - start - 4), at: start)
        }
    }

    mutating func field(_ name: StaticString, _ value: String) {
        self.name(name)
        switch serialization {
        case .json:
            for byte in value.utf8 { bytes.append(escaping: byte) }
            bytes.append(UInt8(ascii: "\""))
        case .binary: bytes.append(counted: value)
        }
    }

    mutating func field(_ name: String, _ value: String) {
        switch serialization {
        case .json:
            bytes.append(static: hasFields ? "," : ",\"extFields\":{")
            bytes.appendQuoted(name)
            bytes.append(UInt8(ascii: ":"))
            bytes.appendQuoted(value)
        case .binary:
            bytes.append(bigEndian: Int16(truncatingIfNeeded: name.utf8.count))
            bytes.append(contentsOf: name.utf8)
            bytes.append(counted: value)
        }
        hasFields = true
    }

    /// Ends the header, and says in its first bytes how long a body follows.
    mutating func end(remark: String?, bodyCount: Int) {
        switch serialization {
        case .json:
            if hasFields { bytes.append(UInt8(ascii: "}")) }
            bytes.append(static: ",\"flag\":")
            bytes.append(decimal: Int64(numbers.flags))
            bytes.append(static: ",\"language\":\"")
            bytes.append(static: numbers.language.name)
            bytes.append(static: "\",\"opaque\":")
            bytes.append(decimal: Int64(numbers.opaque))
            if let remark {
                bytes.append(static: ",\"remark\":")
                bytes.appendQuoted(remark)
            }
            bytes.append(static: ",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":")
            bytes.append(decimal: Int64(numbers.version))
            bytes.append(UInt8(ascii: "}"))
        case .binary:
            bytes.put(Int32(truncatingIfNeeded: bytes.count - fieldsStart - 4), at: fieldsStart)
        }
        let header = bytes.count - Frame.prefix
        bytes.put(
            Int32(truncatingIfNeeded: bytes.count - Frame.length.end + bodyCount),
            at: Frame.length.offset)
        bytes.put(
            UInt32(serialization.rawValue) << 24 | UInt32(truncatingIfNeeded: header),
            at: Frame.headerWord.offset)
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
        out.append(contentsOf: encoder.bytes)
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

extension [UInt8] {
    /// Appends the bytes of a literal.
    @inline(__always)
    mutating func append(static text: StaticString) {
        // Safe: the pointer is to the bytes of a literal, as many as it says.
        unsafe append(
            contentsOf: UnsafeBufferPointer(
                start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a copy of `bytes`.
    @inline(__always)
    mutating func append(copyOf bytes: RawSpan) {
        // Safe: the pointer is used within the call, and the buffer bounds what is copied.
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }

    /// Appends `bytes` as the inside of a JSON string.
    mutating func append(escaping bytes: RawSpan) {
        for offset in 0..<bytes.byteCount {
            append(escaping: bytes.loadBigEndian(UInt8.self, at: offset))
        }
    }

    mutating func append(counted text: String) {
        append(bigEndian: Int32(truncatingIfNeeded: text.utf8.count))
        append(contentsOf: text.utf8)
    }

    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(bigEndian value: Value) {
        for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }

    mutating func put<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
        var span = mutableRawSpan
        span.storeBigEndian(value, at: offset)
    }
}
