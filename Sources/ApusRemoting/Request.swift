// What a handler gets of a frame: a view, with nothing copied.

internal import ApusFormat

/// What it takes to answer a request later, from any thread.
public struct ReplyKey: Sendable, Hashable {
    public let opaque: Int32
    public let serialization: HeaderSerialization
    /// Nobody waits: an answer goes nowhere.
    public let isOneWay: Bool

    public init(opaque: Int32, serialization: HeaderSerialization, isOneWay: Bool) {
        self.opaque = opaque
        self.serialization = serialization
        self.isOneWay = isOneWay
    }
}

/// A command in the bytes that it came in, valid as long as the handler's call. Looking up a field
/// allocates nothing unless the answer is a `String`.
public struct Request: ~Escapable {
    let numbers: HeaderNumbers
    let header: RawSpan
    let slots: Span<FieldSlot>
    /// Where in `slots` a name's field is, by its hash: see `HeaderIndex`.
    private let places: Span<UInt8>
    let unescaped: RawSpan
    private let remarkSlot: FieldSlot?

    public let serialization: HeaderSerialization
    public let body: RawSpan

    @_lifetime(borrow index, copy frame)
    init(_ index: borrowing HeaderIndex, _ frame: borrowing Frame) {
        numbers = index.numbers
        header = frame.header
        slots = index.memory.span.extracting(0..<index.count)
        places = index.places.span
        unescaped = index.unescaped.rawSpan
        remarkSlot = index.remark
        serialization = frame.serialization
        body = frame.body
    }

    /// What is asked for; codes that were cut to 16 bits on the way are whole again.
    public var code: RequestCode { RequestCode(numbers.code) }
    public var opaque: Int32 { numbers.opaque }
    public var version: Int32 { numbers.version }
    public var language: Language { numbers.language }
    public var flags: Int32 { numbers.flags }
    public var isResponse: Bool { numbers.isResponse }
    public var isOneWay: Bool { numbers.isOneWay }
    public var remark: String? { remarkSlot.map { String(decodingUTF8: value(of: $0)) } }
    public var fieldCount: Int { slots.count }

    public var replyKey: ReplyKey {
        ReplyKey(
            opaque: numbers.opaque, serialization: serialization, isOneWay: numbers.isOneWay)
    }

    /// The value of a field, without escapes; nil where it is missing or null.
    @_lifetime(copy self)
    public func bytes(_ name: FieldName) -> RawSpan? { find(name) }

    @inline(__always) @_lifetime(copy self)
    private func find(_ name: FieldName) -> RawSpan? { find(name, hash: name.hash) }

    /// The same with the hash of the name.
    @inline(__always) @_lifetime(copy self)
    func find(_ name: FieldName, hash: Int) -> RawSpan? {
        let place = Int(places[hash])
        guard place > 0 else { return nil }
        if place < 255 {
            let slot = slots[place &- 1]
            if isNamed(slot, name) { return value(of: slot) }
        }
        return search(name)
    }

    /// The same for a name that shares its hash with another, or stands far behind.
    @inline(never) @_lifetime(copy self)
    private func search(_ name: FieldName) -> RawSpan? {
        for place in slots.indices {
            let slot = slots[place]
            if isNamed(slot, name) { return value(of: slot) }
        }
        return nil
    }

    /// Most names are told apart by their first eight bytes.
    @inline(__always)
    private func isNamed(_ slot: FieldSlot, _ name: FieldName) -> Bool {
        slot.tag == name.tag && Int(slot.nameCount) == name.count
            && (name.count <= 8 || self.name(of: slot).isEqual(to: name.bytes))
    }

    /// Each field with its name and value, in the order in which they came.
    public func forEachField<Failure: Error>(
        _ visit: (_ name: RawSpan, _ value: RawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        for place in slots.indices { try visit(name(of: slots[place]), value(of: slots[place])) }
    }

    /// The name of a field by its place, from 0 to `fieldCount`.
    @_lifetime(copy self)
    func name(_ place: Int) -> RawSpan { name(of: slots[place]) }

    @_lifetime(copy self)
    func value(_ place: Int) -> RawSpan { value(of: slots[place]) }

    @inline(__always) @_lifetime(copy self)
    private func value(of slot: FieldSlot) -> RawSpan {
        slot.isValueElsewhere ? unescaped.extracting(slot.value) : header.extracting(slot.value)
    }

    @_lifetime(copy self)
    private func name(of slot: FieldSlot) -> RawSpan {
        slot.isNameElsewhere ? unescaped.extracting(slot.name) : header.extracting(slot.name)
    }
}

extension Request {
    /// The value of a field that must be there.
    public func string(_ name: FieldName) throws(HeaderError) -> String {
        String(decodingUTF8: try required(name))
    }

    /// The value, or nil where the field is missing.
    public func optionalString(_ name: FieldName) -> String? {
        guard let value = find(name) else { return nil }
        return String(decodingUTF8: value)
    }

    public func int32(_ name: FieldName) throws(HeaderError) -> Int32 {
        try Self.integer(name, required(name))
    }

    public func int64(_ name: FieldName) throws(HeaderError) -> Int64 {
        try Self.integer(name, required(name))
    }

    /// The value, or `fallback` where the field is missing; text that is no number is an error.
    public func int32(_ name: FieldName, or fallback: Int32) throws(HeaderError) -> Int32 {
        guard let text = find(name) else { return fallback }
        return try Self.integer(name, text)
    }

    public func int64(_ name: FieldName, or fallback: Int64) throws(HeaderError) -> Int64 {
        guard let text = find(name) else { return fallback }
        return try Self.integer(name, text)
    }

    /// True for `true` in any case, false for any other text, as Java reads it.
    public func bool(_ name: FieldName) throws(HeaderError) -> Bool {
        Self.isTrue(try required(name))
    }

    public func bool(_ name: FieldName, or fallback: Bool) -> Bool {
        guard let value = find(name) else { return fallback }
        return Self.isTrue(value)
    }

    /// A copy that outlives the call.
    public var command: RemotingCommand {
        var fields: HeaderFields = [:]
        fields.reserve(slots.count)
        forEachField { name, value in
            fields.append(String(decodingUTF8: name), String(decodingUTF8: value))
        }
        return RemotingCommand(
            code: numbers.code, language: language, version: version, opaque: opaque, flags: flags,
            remark: remark, fields: fields, body: [UInt8](body), serialization: serialization)
    }

    @inline(__always) @_lifetime(copy self)
    private func required(_ name: FieldName) throws(HeaderError) -> RawSpan {
        guard let value = find(name) else {
            throw HeaderError(field: name.description, problem: .missing)
        }
        return value
    }

    static func integer<Value: FixedWidthInteger>(
        _ name: FieldName, _ text: RawSpan
    ) throws(HeaderError) -> Value {
        guard let value = text.decimal(Value.self) else { throw noInteger(name, text, Value.self) }
        return value
    }

    @inline(never)
    private static func noInteger<Value: FixedWidthInteger>(
        _ name: FieldName, _ text: RawSpan, _ type: Value.Type
    ) -> HeaderError {
        HeaderError(
            field: name.description,
            problem: .notA("\(Value.bitWidth)-bit integer", value: String(decodingUTF8: text)))
    }

    /// `true` in any case.
    private static func isTrue(_ text: RawSpan) -> Bool {
        text.byteCount == 4
            && text.loadBigEndian(UInt32.self, at: 0) | 0x2020_2020 == 0x7472_7565
    }
}
