// JSON headers, read in place.
//
//     {"code":310,"extFields":{"a":"group","e":4},"flag":0,"language":"JAVA","opaque":7,
//      "remark":null,"serializeTypeCurrentRPC":"JSON","version":479}
//
// Names may come in any order, unknown ones are passed over, and values of fields may be of any
// kind: the C++ client sends numbers.

internal import ApusFormat

extension HeaderIndex {
    mutating func readJSON(_ header: RawSpan, _ limits: HeaderLimits) throws(FrameError) {
        var scanner = JSONScanner(header)
        do throws(JSONError) {
            try scanner.expect(UInt8(ascii: "{"))
            scanner.skipCommas()
        } catch { throw .json(error) }
        var isPlain = false
        while isPlain || !scanner.take(UInt8(ascii: "}")) {
            let name = try nameAndColon(&scanner)
            try readMember(name, &scanner, limits)
            isPlain = scanner.takePlainComma()
            if !isPlain { try Self.separate(&scanner) }
        }
        if scanner.next() != nil { throw .json(JSONError(.trailingBytes, at: scanner.position)) }
    }

    private mutating func readMember(
        _ name: JSONScanner.Text, _ scanner: inout JSONScanner, _ limits: HeaderLimits
    ) throws(FrameError) {
        let bytes = scanner.bytes.extracting(name.range)
        switch (bytes.byteCount, FieldName.tag(bytes)) {
        case (4, Self.code): numbers.code = try number("code", &scanner)
        case (4, Self.flag): numbers.flags = try number("flag", &scanner)
        case (6, Self.opaque): numbers.opaque = try number("opaque", &scanner)
        case (6, Self.remark):
            guard let slot = try value(&scanner) else { return }
            try check(slot, limits)
            self.remark = slot
        case (7, Self.version): numbers.version = try number("version", &scanner)
        case (8, Self.language): numbers.language = try language(&scanner)
        case (9, Self.extFields) where bytes.loadBigEndian(UInt8.self, at: 8) == UInt8(ascii: "s"):
            try readFields(&scanner, limits)
        default:
            do throws(JSONError) { try scanner.skipValue(depth: 4) } catch { throw .json(error) }
        }
    }

    private static let code = tag("code")
    private static let flag = tag("flag")
    private static let opaque = tag("opaque")
    private static let remark = tag("remark")
    private static let version = tag("version")
    private static let language = tag("language")
    private static let extFields = tag("extField")

    private static func tag(_ name: StaticString) -> UInt64 {
        FieldName.tag(FieldName.bytes(of: name))
    }

    private mutating func readFields(
        _ scanner: inout JSONScanner, _ limits: HeaderLimits
    ) throws(FrameError) {
        guard scanner.take(UInt8(ascii: "{")) else {
            guard try value(&scanner) == nil else {
                throw .json(JSONError(.unexpectedByte, at: scanner.position))
            }
            return
        }
        scanner.skipCommas()
        var isPlain = false
        while isPlain || !scanner.take(UInt8(ascii: "}")) {
            scanner.move(to: try readPlainFields(scanner.bytes, from: scanner.position, limits))
            let name = try nameAndColon(&scanner)
            if var slot = try value(&scanner) {
                try put(name, of: scanner, into: &slot)
                try append(slot, of: scanner.bytes, limits)
            }
            isPlain = scanner.takePlainComma()
            if !isPlain { try Self.separate(&scanner) }
        }
    }

    /// Goes over fields as clients write them, `"name":"value",` with no blank and no escape, and
    /// answers where the first one begins that is not like that, or is the last.
    private mutating func readPlainFields(
        _ bytes: RawSpan, from start: Int, _ limits: HeaderLimits
    ) throws(FrameError) -> Int {
        var place = start
        while place &+ 1 < bytes.byteCount, bytes.loadBigEndian(UInt8.self, at: place) == 0x22 {
            let nameEnd = JSONScanner.plainEnd(of: bytes, from: place &+ 1)
            guard nameEnd >= 0, nameEnd &+ 3 <= bytes.byteCount,
                bytes.loadBigEndian(UInt16.self, at: nameEnd &+ 1) == 0x3A22
            else { break }
            let valueEnd = JSONScanner.plainEnd(of: bytes, from: nameEnd &+ 3)
            guard valueEnd >= 0, valueEnd &+ 3 <= bytes.byteCount,
                bytes.loadBigEndian(UInt16.self, at: valueEnd &+ 1) == 0x2C22
            else { break }
            var slot = FieldSlot(valueAt: nameEnd &+ 3..<valueEnd)
            slot.nameStart = UInt32(truncatingIfNeeded: place &+ 1)
            slot.nameCount = UInt32(truncatingIfNeeded: nameEnd &- place &- 1)
            try append(slot, of: bytes, limits)
            place = valueEnd &+ 2
        }
        return place
    }

    private func nameAndColon(
        _ scanner: inout JSONScanner
    ) throws(FrameError) -> JSONScanner.Text {
        if let range = scanner.plainName() {
            return JSONScanner.Text(range: range, isEscaped: false)
        }
        do throws(JSONError) {
            let name = try scanner.name()
            try scanner.expect(UInt8(ascii: ":"))
            return name
        } catch { throw .json(error) }
    }

    /// Goes over the commas behind a member; there is one, or the end comes.
    private static func separate(_ scanner: inout JSONScanner) throws(FrameError) {
        switch scanner.next() {
        case UInt8(ascii: ",")?: scanner.skipCommas()
        case UInt8(ascii: "}")?: break
        case nil: throw .json(JSONError(.unexpectedEnd, at: scanner.position))
        default: throw .json(JSONError(.unexpectedByte, at: scanner.position))
        }
    }

    private mutating func put(
        _ name: JSONScanner.Text, of scanner: borrowing JSONScanner, into slot: inout FieldSlot
    ) throws(FrameError) {
        if name.isEscaped {
            let start = unescaped.count
            do throws(JSONError) { try scanner.unescape(name, into: &unescaped) } catch {
                throw .json(error)
            }
            slot.nameStart = UInt32(truncatingIfNeeded: start)
            slot.nameCount = UInt32(truncatingIfNeeded: unescaped.count - start)
            slot.isNameElsewhere = true
        } else {
            slot.nameStart = UInt32(truncatingIfNeeded: name.range.lowerBound)
            slot.nameCount = UInt32(truncatingIfNeeded: name.range.count)
        }
    }

    /// The value that comes next as text, whatever its kind; nil for null.
    private mutating func value(_ scanner: inout JSONScanner) throws(FrameError) -> FieldSlot? {
        if let range = scanner.plainString() { return FieldSlot(valueAt: range) }
        return try anyValue(&scanner)
    }

    private mutating func anyValue(
        _ scanner: inout JSONScanner
    ) throws(FrameError) -> FieldSlot? {
        do throws(JSONError) {
            let first = try scanner.expectNext()
            var range = scanner.position..<scanner.position
            switch first {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                let text = try scanner.string()
                guard text.isEscaped else { return FieldSlot(valueAt: text.range) }
                let start = unescaped.count
                try scanner.unescape(text, into: &unescaped)
                var slot = FieldSlot(valueAt: start..<unescaped.count)
                slot.isValueElsewhere = true
                return slot
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                // As it stands: no client is known to send one.
                try scanner.skipValue(depth: 4)
                range = range.lowerBound..<scanner.position
            default:
                range = try scanner.word()
                let word = scanner.bytes.extracting(range)
                if word.byteCount == 4, word.loadBigEndian(UInt32.self, at: 0) == Self.null {
                    return nil
                }
            }
            return FieldSlot(valueAt: range)
        } catch { throw .json(error) }
    }

    /// `null` as four bytes.
    private static let null: UInt32 = 0x6E75_6C6C

    /// A number, in quotes or not; 0 for null.
    private mutating func number(
        _ name: StaticString, _ scanner: inout JSONScanner
    ) throws(FrameError) -> Int32 {
        if let number = scanner.plainNumber() { return number }
        guard let slot = try value(&scanner) else { return 0 }
        guard !slot.isValueElsewhere,
            let number = scanner.bytes.extracting(slot.value).decimal(Int32.self)
        else { throw .badNumber("\(name)") }
        return number
    }

    /// A name, or its number; anything else is a language that we do not know.
    private mutating func language(_ scanner: inout JSONScanner) throws(FrameError) -> Language {
        guard let slot = try value(&scanner), !slot.isValueElsewhere else { return .other }
        let bytes = scanner.bytes.extracting(slot.value)
        if let number = bytes.decimal(UInt8.self) { return Language(rawValue: number) ?? .other }
        // Not by `allCases`, which would be an array made each time.
        var number: UInt8 = 0
        while let language = Language(rawValue: number) {
            if FieldName.bytes(of: language.name).isEqual(to: bytes) { return language }
            number &+= 1
        }
        return .other
    }
}

extension FieldSlot {
    /// A value, for now without a name.
    init(valueAt range: Range<Int>) {
        self.init(
            tag: 0, nameStart: 0, nameCount: 0,
            valueStart: UInt32(truncatingIfNeeded: range.lowerBound),
            valueCount: UInt32(truncatingIfNeeded: range.count), isNameElsewhere: false,
            isValueElsewhere: false)
    }

    var value: Range<Int> { Int(valueStart)..<Int(valueStart) + Int(valueCount) }
    var name: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameCount) }
}

extension RawSpan {
    /// The number that the bytes spell in decimal digits, with a sign or without; nil for anything
    /// else, and for what `Value` does not hold.
    func decimal<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
        var offset = 0
        var isNegative = false
        if byteCount > 0 {
            let first = loadBigEndian(UInt8.self, at: 0)
            isNegative = first == UInt8(ascii: "-")
            if isNegative || first == UInt8(ascii: "+") { offset = 1 }
        }
        guard offset < byteCount else { return nil }
        if byteCount &- offset <= Self.harmlessDigits(Value.bitWidth), !isNegative {
            return harmlessDecimal(from: offset)
        }
        var value: Value = 0
        while offset < byteCount {
            let digit = loadBigEndian(UInt8.self, at: offset) &- 0x30
            guard digit < 10 else { return nil }
            let product = value.multipliedReportingOverflow(by: 10)
            let sum =
                isNegative
                ? product.partialValue.subtractingReportingOverflow(Value(digit))
                : product.partialValue.addingReportingOverflow(Value(digit))
            if product.overflow || sum.overflow { return nil }
            value = sum.partialValue
            offset &+= 1
        }
        return value
    }

    /// As many digits as fit a signed integer of this width, whatever they are.
    @inline(__always)
    private static func harmlessDigits(_ bitWidth: Int) -> Int {
        bitWidth == 64 ? 18 : bitWidth == 32 ? 9 : 0
    }

    /// The same for so few digits that nothing can overflow.
    @inline(__always)
    private func harmlessDecimal<Value: FixedWidthInteger>(from start: Int) -> Value? {
        var value: Value = 0
        for offset in start..<byteCount {
            let digit = loadBigEndian(UInt8.self, at: offset) &- 0x30
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Value(truncatingIfNeeded: digit)
        }
        return value
    }
}
