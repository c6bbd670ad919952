// JSON into bytes.

/// How values are written where readers differ.
public struct JSONDialect: Sendable, Hashable {
    /// Whether the keys of Java's maps of integers stand without quotes.
    public var leavesIntegerKeysBare: Bool
    /// Whether each member has a line of its own, indented by tabs.
    public var isPretty: Bool

    public init(leavesIntegerKeysBare: Bool, isPretty: Bool) {
        self.leavesIntegerKeysBare = leavesIntegerKeysBare
        self.isPretty = isPretty
    }

    /// JSON that any parser reads.
    public static let standard = JSONDialect(leavesIntegerKeysBare: false, isPretty: false)
    /// What fastjson writes, and some clients take apart by hand.
    public static let fastjson = JSONDialect(leavesIntegerKeysBare: true, isPretty: false)
    /// What fastjson writes into the files of a broker.
    public static let fastjsonPretty = JSONDialect(leavesIntegerKeysBare: true, isPretty: true)
}

extension JSON {
    /// Appends the value as UTF-8. A number that is not finite becomes null.
    public func write(into out: inout [UInt8], _ dialect: JSONDialect = .standard) {
        write(into: &out, dialect, level: 0)
    }

    /// The value as the body of a request or a response.
    public func bytes(_ dialect: JSONDialect = .standard) -> [UInt8] {
        var out: [UInt8] = []
        write(into: &out, dialect)
        return out
    }

    private func write(into out: inout [UInt8], _ dialect: JSONDialect, level: Int) {
        switch self {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): out.append(decimal: value)
        case .double(let value): out.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
        case .string(let text): out.appendQuoted(text)
        case .array(let values):
            Self.writeList(values, ("[", "]"), into: &out, dialect, level) { value, out in
                value.write(into: &out, dialect, level: level + 1)
            }
        case .object(let object):
            Self.writeList(object.members, ("{", "}"), into: &out, dialect, level) { member, out in
                if member.isInteger && dialect.leavesIntegerKeysBare {
                    out.append(contentsOf: member.name.utf8)
                } else {
                    out.appendQuoted(member.name)
                }
                out.append(UInt8(ascii: ":"))
                member.value.write(into: &out, dialect, level: level + 1)
            }
        }
    }

    private static func writeList<Element>(
        _ list: [Element], _ brackets: (Unicode.Scalar, Unicode.Scalar), into out: inout [UInt8],
        _ dialect: JSONDialect, _ level: Int, _ write: (Element, inout [UInt8]) -> Void
    ) {
        out.append(UInt8(ascii: brackets.0))
        for (place, element) in list.enumerated() {
            if place > 0 { out.append(UInt8(ascii: ",")) }
            if dialect.isPretty { out.appendLine(level + 1) }
            write(element, &out)
        }
        if dialect.isPretty, !list.isEmpty { out.appendLine(level) }
        out.append(UInt8(ascii: brackets.1))
    }
}

extension [UInt8] {
    fileprivate mutating func appendLine(_ level: Int) {
        append(0x0A)
        for _ in 0..<level { append(0x09) }
    }

    /// Appends `text` in quotes, escaped as fastjson does it: see `RawSpan.hasEscapes`.
    mutating func appendQuoted(_ text: String) {
        append(0x22)
        for byte in text.utf8 { append(escaping: byte) }
        append(0x22)
    }

    @inline(__always)
    mutating func append(escaping byte: UInt8) {
        if RawSpan.isEscaped(byte) { appendEscape(of: byte) } else { append(byte) }
    }

    private mutating func appendEscape(of byte: UInt8) {
        append(0x5C)
        switch byte {
        case 0x22, 0x5C: append(byte)
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        default:
            append(UInt8(ascii: "u"))
            append(0x30)
            append(0x30)
            append(Self.digit(byte >> 4))
            append(Self.digit(byte & 15))
        }
    }

    @inline(__always)
    private static func digit(_ value: UInt8) -> UInt8 { value + (value < 10 ? 0x30 : 0x37) }

    /// Appends the digits of `value`.
    mutating func append(decimal value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        // Twenty digits at most, the last one first.
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var place = 20
        repeat {
            place &-= 1
            digits[place] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        for digit in place..<20 { append(digits[digit]) }
    }
}
