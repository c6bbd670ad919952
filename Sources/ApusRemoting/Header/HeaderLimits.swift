// How much of a peer is taken. Checked before anything is allocated.

/// Bounds on a frame and its header.
public struct HeaderLimits: Sendable, Hashable {
    /// The whole frame with its length, in bytes; RocketMQ's bound is 16 MiB.
    public var frameBytes: Int
    /// The header, in bytes as it comes. JSON takes six for each separator of a message's
    /// properties, of which there may be 32 KiB.
    public var headerBytes: Int
    public var fields: Int
    /// The name of a field, in bytes.
    public var nameBytes: Int
    /// The value of a field, and the remark, in bytes without escapes.
    public var valueBytes: Int

    public init(
        frameBytes: Int = 16 << 20, headerBytes: Int = 256 << 10, fields: Int = 128,
        nameBytes: Int = 256, valueBytes: Int = 200 << 10
    ) {
        self.frameBytes = frameBytes
        self.headerBytes = headerBytes
        self.fields = fields
        self.nameBytes = nameBytes
        self.valueBytes = valueBytes
    }
}

/// Why the bytes that came are no frame. The connection that they came on is closed.
public enum FrameError: Error, Hashable, Sendable, CustomStringConvertible {
    case frameTooShort(Int)
    case frameTooLong(Int, limit: Int)
    case unknownSerialization(UInt8)
    /// The header is longer than its frame.
    case headerOutOfFrame(Int, frame: Int)
    case headerTooLong(Int, limit: Int)
    case json(JSONError)
    /// A length in a binary header leads out of it.
    case binaryOutOfBounds(at: Int)
    case tooManyFields(limit: Int)
    case nameTooLong(Int, limit: Int)
    case valueTooLong(Int, limit: Int)
    /// One name with two values.
    case duplicateField(String)
    /// A number of the header is missing, or is none.
    case badNumber(String)

    public var description: String {
        switch self {
        case .frameTooShort(let count): "a frame of \(count) bytes, too short for a header"
        case .frameTooLong(let count, let limit): "a frame of \(count) bytes, above \(limit)"
        case .unknownSerialization(let byte): "serialisation \(byte), which is neither 0 nor 1"
        case .headerOutOfFrame(let count, let frame):
            "a header of \(count) bytes in a frame of \(frame)"
        case .headerTooLong(let count, let limit): "a header of \(count) bytes, above \(limit)"
        case .json(let error): "a JSON header that is none: \(error)"
        case .binaryOutOfBounds(let offset):
            "a length at byte \(offset) of a binary header that leads out of it"
        case .tooManyFields(let limit): "more than \(limit) fields"
        case .nameTooLong(let count, let limit): "a field's name of \(count) bytes, above \(limit)"
        case .valueTooLong(let count, let limit): "a value of \(count) bytes, above \(limit)"
        case .duplicateField(let name): "the field \(name.debugDescription) twice"
        case .badNumber(let name): "a header whose \(name) is no number"
        }
    }
}
