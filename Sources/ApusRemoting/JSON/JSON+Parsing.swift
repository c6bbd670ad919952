// JSON out of bytes, with bounds on depth and on the number of values.

internal import ApusFormat

/// What is taken at most from one text.
public struct JSONLimits: Sendable {
    /// Arrays and objects within one another.
    public var depth: Int
    /// Values of all kinds, members of objects included. One costs some 60 bytes of memory.
    public var values: Int

    public init(depth: Int = 64, values: Int = 1_000_000) {
        self.depth = depth
        self.values = values
    }
}

extension JSON {
    /// Reads a whole text, tolerantly as fastjson does: names without quotes, single quotes, commas
    /// too many. An object in the place of a name is a name: its text. A number beyond 64 bits
    /// becomes a `double`. Ill-formed UTF-8 becomes U+FFFD.
    public init(parsing bytes: RawSpan, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        var parser = JSONParser(bytes, limits)
        self = try parser.document()
    }

    /// Reads the UTF-8 of `text`.
    public init(parsing text: String) throws(JSONError) {
        try self.init(parsing: Array(text.utf8).rawSpan)
    }
}

private struct JSONParser: ~Escapable {
    private var scanner: JSONScanner
    private let limits: JSONLimits
    private var values = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, _ limits: JSONLimits) {
        scanner = JSONScanner(bytes)
        self.limits = limits
    }

    @_lifetime(self: copy self)
    mutating func document() throws(JSONError) -> JSON {
        let value = try value(within: 0)
        guard scanner.next() == nil else { throw JSONError(.trailingBytes, at: scanner.position) }
        return value
    }

    @_lifetime(self: copy self)
    private mutating func value(within depth: Int) throws(JSONError) -> JSON {
        values &+= 1
        if values > limits.values { throw JSONError(.tooManyValues, at: scanner.position) }
        switch try scanner.expectNext() {
        case UInt8(ascii: "{"): return .object(try object(within: depth))
        case UInt8(ascii: "["): return .array(try array(within: depth))
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            return .string(try text(scanner.string()))
        default: return try scalar()
        }
    }

    @_lifetime(self: copy self)
    private mutating func object(within depth: Int) throws(JSONError) -> JSONObject {
        try enter(depth)
        var object = JSONObject()
        scanner.skipCommas()
        while !scanner.take(UInt8(ascii: "}")) {
            let first = try scanner.expectNext()
            let isQuoted = first == UInt8(ascii: "\"") || first == UInt8(ascii: "'")
            let name = first == UInt8(ascii: "{") ? try bareObject() : try text(scanner.name())
            try scanner.expect(UInt8(ascii: ":"))
            let value = try value(within: depth + 1)
            object.append(
                .init(name: name, isInteger: !isQuoted && Int64(name) != nil, value: value))
            try separate(UInt8(ascii: "}"))
        }
        return object
    }

    /// The text of an object that stands where a name should: fastjson writes the keys of Java's
    /// maps so when they are objects.
    @_lifetime(self: copy self)
    private mutating func bareObject() throws(JSONError) -> String {
        let start = scanner.position
        try scanner.skipValue(depth: limits.depth)
        return String(decodingUTF8: scanner.bytes.extracting(start..<scanner.position))
    }

    @_lifetime(self: copy self)
    private mutating func array(within depth: Int) throws(JSONError) -> [JSON] {
        try enter(depth)
        var array: [JSON] = []
        scanner.skipCommas()
        while !scanner.take(UInt8(ascii: "]")) {
            array.append(try value(within: depth + 1))
            try separate(UInt8(ascii: "]"))
        }
        return array
    }

    @_lifetime(self: copy self)
    private mutating func enter(_ depth: Int) throws(JSONError) {
        if depth >= limits.depth { throw JSONError(.tooDeep, at: scanner.position) }
        scanner.skip()
    }

    /// Goes over the commas behind a value; there is one, or the end comes.
    @_lifetime(self: copy self)
    private mutating func separate(_ end: UInt8) throws(JSONError) {
        let found = try scanner.expectNext()
        guard found == UInt8(ascii: ",") || found == end else {
            throw JSONError(.unexpectedByte, at: scanner.position)
        }
        scanner.skipCommas()
    }

    private func text(_ text: JSONScanner.Text) throws(JSONError) -> String {
        guard text.isEscaped else {
            return String(decodingUTF8: scanner.bytes.extracting(text.range))
        }
        var bytes = [UInt8](repeating: 0, count: text.range.count)
        var count = 0
        var out = bytes.mutableRawSpan
        try scanner.unescape(text, into: &out, at: &count)
        return String(decodingUTF8: bytes.rawSpan.extracting(0..<count))
    }

    @_lifetime(self: copy self)
    private mutating func scalar() throws(JSONError) -> JSON {
        let range = try scanner.word()
        let word = String(decodingUTF8: scanner.bytes.extracting(range))
        switch word {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default:
            if let value = Int64(word) { return .integer(value) }
            guard word.utf8.allSatisfy(Self.isOfNumber), let value = Double(word), value.isFinite
            else {
                let first = scanner.byte(range.lowerBound)
                let isNumber =
                    Self.isOfNumber(first) && first != UInt8(ascii: "e")
                    && first != UInt8(ascii: "E")
                throw JSONError(isNumber ? .badNumber : .unexpectedByte, at: range.lowerBound)
            }
            return .double(value)
        }
    }

    /// Digits, signs, the point and the exponent: no `nan`, no `0x1p3`.
    private static func isOfNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: true
        default: false
        }
    }
}
