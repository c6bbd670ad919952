// JSON values, as the bodies of requests and the files of a broker hold them.

/// A value of JSON.
public enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON {
    /// The member of an object with this name; nil for anything else, and nil for null.
    public subscript(name: String) -> JSON? {
        guard case .object(let object) = self, let member = object[name], member != .null else {
            return nil
        }
        return member
    }

    /// The value as an integer: also of its text, and of a number or a truth value that is one.
    public var int64: Int64? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int64(exactly: value)
        case .string(let text): Int64(text)
        case .bool(let value): value ? 1 : 0
        case .null, .array, .object: nil
        }
    }

    /// The same where it fits 32 bits.
    public var int32: Int32? { int64.flatMap { Int32(exactly: $0) } }

    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        case .string(let text): Double(text)
        case .null, .bool, .array, .object: nil
        }
    }

    /// The value as text; also of a number or a truth value.
    public var string: String? {
        switch self {
        case .string(let text): text
        case .integer(let value): "\(value)"
        case .double(let value): "\(value)"
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object: nil
        }
    }

    /// The value as a truth value: also of its text in any case, and of numbers, where 0 is false.
    public var bool: Bool? {
        switch self {
        case .bool(let value): value
        case .integer(let value): value != 0
        case .string(let text):
            switch text.lowercased() {
            case "true", "1": true
            case "false", "0": false
            default: nil
            }
        case .null, .double, .array, .object: nil
        }
    }

    public var array: [JSON]? {
        if case .array(let values) = self { values } else { nil }
    }

    public var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(nilLiteral: ()) { self = .null }
}
