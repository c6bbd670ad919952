// What is wrong with a text that should be JSON.

/// Why bytes are not the JSON that was wanted, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, Hashable, Sendable {
        case unexpectedEnd = "the text ends in the middle of a value"
        case unexpectedByte = "a byte that no value goes on with"
        case badNumber = "a number that is none, or is too large"
        case badEscape = "an escape that stands for nothing"
        case trailingBytes = "bytes behind the value"
        case tooDeep = "values too deep in one another"
        case tooManyValues = "too many values"
    }

    public let reason: Reason
    /// Bytes from the start of the text.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "no JSON at byte \(offset): \(reason.rawValue)" }
}
