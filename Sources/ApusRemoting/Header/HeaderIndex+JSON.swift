// JSON headers, read in place.
//
//     {"code":310,"extFields":{"a":"group","e":4},"flag":0,"language":"JAVA","opaque":7,
//      "remark":null,"serializeTypeCurrentRPC":"JSON","version":479}
//
// Names may come in any order, unknown ones are passed over, and values of fields may be of any
// kind: the C++ client sends numbers.

internal import ApusFormat

extension HeaderIndex {
    /// What a header has besides its fields.
    private enum Member { case code, flag, opaque, remark, version, language, extFields, other }

    mutating func readJSON(_ header: RawSpan, _ limits: HeaderLimits) throws(FrameError) {
        var scanner = JSONScanner(header)
        do throws(JSONError) {
            try scanner.expect(UInt8(ascii: "{"))
            scanner.skipCommas()
        } catch { throw .json(error) }
        var isPlain = false
        while isPlain || !scanner.take(UInt8(ascii: "}")) {
            if let member = Self.plainMember(&scanner) {
                try read(member, &scanner, limits)
                if member == .extFields, let opaque = readPlainTail(&scanner) {
                    if isAllPlain { remember(header, opaque) }
                    return
                }
            } else {
                try read(Self.member(&scanner), &scanner, limits)
            }
            isPlain = scanner.takePlainComma()
            if !isPlain { try Self.separate(&scanner) }
        }
        if scanner.next() != nil { throw .json(JSONError(.trailingBytes, at: scanner.position)) }
    }

    /// A member's name and colon as RocketMQ writes them, told by eight bytes. For anything else
    /// nil, with nothing gone over.
    @inline(__always)
    private static func plainMember(_ scanner: inout JSONScanner) -> Member? {
        let bytes = scanner.bytes
        let place = scanner.position
        guard place &+ 12 <= bytes.byteCount else { return nil }
        let word = bytes.loadBigEndian(UInt64.self, at: place)
        let rest = bytes.loadBigEndian(UInt32.self, at: place &+ 8)
        let member: Member
        let count: Int
        switch word {
        // `"opaque"`, `:`
        case 0x226F_7061_7175_6522 where rest >> 24 == 0x3A: (member, count) = (.opaque, 9)
        // `"version`, `":`
        case 0x2276_6572_7369_6F6E where rest >> 16 == 0x223A: (member, count) = (.version, 10)
        // `"languag`, `e":`
        case 0x226C_616E_6775_6167 where rest >> 8 == 0x65_223A: (member, count) = (.language, 11)
        // `"extFiel`, `ds":`
        case 0x2265_7874_4669_656C where rest == 0x6473_223A: (member, count) = (.extFields, 12)
        default:
            // `"code":` and `"flag":`
            switch word >> 8 {
            case 0x22_636F_6465_223A: (member, count) = (.code, 7)
            case 0x22_666C_6167_223A: (member, count) = (.flag, 7)
            default: return nil
            }
        }
        scanner.move(to: place &+ count)
        return member
    }

    /// Reads all that stands behind the fields as RocketMQ's client in Java writes it, and answers
    /// where the request's number stands. For anything else nil, with nothing gone over.
    @inline(__always)
    private mutating func readPlainTail(_ scanner: inout JSONScanner) -> Range<Int>? {
        let start = scanner.position
        var place = start..<start
        guard scanner.take(",\"flag\":"), let flags = scanner.plainNumber(),
            scanner.take(",\"language\":"), let language = scanner.plainString(),
            scanner.take(",\"opaque\":"), let opaque = scanner.plainNumber(at: &place),
            scanner.take(",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":"),
            let version = scanner.plainNumber(), scanner.take("}"),
            scanner.position == scanner.bytes.byteCount
        else {
            scanner.move(to: start)
            return nil
        }
        numbers.flags = flags
        numbers.language = Language(scanner.bytes.extracting(language))
        numbers.opaque = opaque
        numbers.version = version
        return place
    }

    /// Remembers what was read, for the next one.
    private mutating func remember(_ header: RawSpan, _ opaque: Range<Int>) {
        // Moved out, since a span of the fields holds on to all of this.
        var before = HeaderBefore()
        swap(&before, &self.before)
        before.remember(
            header, fields: memory.span.extracting(0..<count), opaque: opaque, isBinary: false)
        swap(&before, &self.before)
    }

    /// The name of a member, however it is written, and its colon.
    @inline(never)
    private static func member(_ scanner: inout JSONScanner) throws(FrameError) -> Member {
        let bytes = scanner.bytes.extracting(try nameAndColon(&scanner).range)
        switch (bytes.byteCount, FieldName.tag(bytes)) {
        case (4, code): return .code
        case (4, flag): return .flag
        case (6, opaque): return .opaque
        case (6, remark): return .remark
        case (7, version): return .version
        case (8, language): return .language
        case (9, extFields) where bytes.loadBigEndian(UInt8.self, at: 8) == UInt8(ascii: "s"):
            return .extFields
        default: return .other
        }
    }

    private mutating func read(
        _ member: Member, _ scanner: inout JSONScanner, _ limits: HeaderLimits
    ) throws(FrameError) {
        switch member {
        case .code: numbers.code = try number("code", &scanner)
        case .flag: numbers.flags = try number("flag", &scanner)
        case .opaque: numbers.opaque = try number("opaque", &scanner)
        case .remark:
            guard let slot = try value(&scanner) else { return }
            try check(slot, limits)
            remark = slot
        case .version: numbers.version = try number("version", &scanner)
        case .language: numbers.language = try language(&scanner)
        case .extFields: try readFields(&scanner, limits)
        case .other:
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
        let isAlone = fieldCount == 0
        if readPlainFields(&scanner, limits) { return isAllPlain = isAlone }
        repeat {
            scanner.skipCommas()
            if scanner.take(UInt8(ascii: "}")) { return }
            let name = try Self.nameAndColon(&scanner)
            if var slot = try value(&scanner) {
                try put(name, of: scanner, into: &slot)
                try append(slot, of: scanner.bytes, limits)
            }
            try Self.separate(&scanner)
        } while !readPlainFields(&scanner, limits)
    }

    private static func nameAndColon(
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
            do throws(JSONError) { slot.setName(try unescape(name, of: scanner)) } catch {
                throw .json(error)
            }
            slot.isNameElsewhere = true
        } else {
            slot.setName(name.range)
        }
    }

    /// Where the text stands without its escapes.
    private mutating func unescape(
        _ text: JSONScanner.Text, of scanner: borrowing JSONScanner
    ) throws(JSONError) -> Range<Int> {
        Self.makeRoom(toUnescape: scanner.bytes, in: &unescaped)
        let start = unescapedCount
        var end = start
        var out = unescaped.mutableRawSpan
        try scanner.unescape(text, into: &out, at: &end)
        unescapedCount = end
        return start..<end
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
                var slot = FieldSlot(valueAt: try unescape(text, of: scanner))
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
    private static var null: UInt32 { 0x6E75_6C6C }

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
        return Language(scanner.bytes.extracting(slot.value))
    }
}

extension Language {
    /// By its name or its number; `other` for anything else.
    fileprivate init(_ text: RawSpan) {
        let tag = FieldName.tag(text)
        for place in 0..<Self.tags.count where Self.tags[place] == tag {
            if let language = Language(rawValue: UInt8(truncatingIfNeeded: place)),
                FieldName.bytes(of: language.name).isEqual(to: text)
            {
                self = language
                return
            }
        }
        self = text.decimal(UInt8.self).flatMap { Language(rawValue: $0) } ?? .other
    }

    /// The first eight bytes of each name, which tell them apart.
    private static let tags = allCases.map { FieldName.tag(FieldName.bytes(of: $0.name)) }
}
