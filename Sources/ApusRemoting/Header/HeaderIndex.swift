// What a header says, and where in it: read once, looked up often, allocated never.
//
// One index serves all frames of a connection; after the first ones its arrays have their size.
// Values are where they came, in the header, but for those with escapes, which stand without them
// in `unescaped`.

internal import ApusFormat

/// Where a field's name and value stand.
struct FieldSlot {
    /// The first eight bytes of the name: see `FieldName`.
    var tag: UInt64 = 0
    var nameStart: UInt32 = 0
    var nameCount: UInt32 = 0
    var valueStart: UInt32
    var valueCount: UInt32
    /// In `unescaped` rather than in the header.
    var isNameElsewhere = false
    var isValueElsewhere = false

    /// A value, for now without a name.
    @inline(__always)
    init(from start: Int, to end: Int) {
        valueStart = UInt32(truncatingIfNeeded: start)
        valueCount = UInt32(truncatingIfNeeded: end &- start)
    }

    init(valueAt range: Range<Int>) { self.init(from: range.lowerBound, to: range.upperBound) }

    @inline(__always)
    mutating func setName(from start: Int, to end: Int) {
        nameStart = UInt32(truncatingIfNeeded: start)
        nameCount = UInt32(truncatingIfNeeded: end &- start)
    }

    mutating func setName(_ range: Range<Int>) {
        setName(from: range.lowerBound, to: range.upperBound)
    }

    /// Whether name and value are within bounds.
    @inline(__always)
    func isWithin(_ limits: HeaderLimits) -> Bool {
        Int(nameCount) <= limits.nameBytes && Int(valueCount) <= limits.valueBytes
    }

    @inline(__always) var value: Range<Int> {
        Int(valueStart)..<Int(valueStart) &+ Int(valueCount)
    }
    @inline(__always) var name: Range<Int> { Int(nameStart)..<Int(nameStart) &+ Int(nameCount) }
}

/// The numbers of a header.
struct HeaderNumbers: Equatable {
    var code: Int32 = 0
    var language = Language.other
    var version: Int32 = 0
    var opaque: Int32 = 0
    var flags: Int32 = 0

    var isResponse: Bool { flags & 1 != 0 }
    var isOneWay: Bool { flags & 2 != 0 }
}

/// One header, read.
struct HeaderIndex {
    var numbers = HeaderNumbers()
    /// Has no name.
    var remark: FieldSlot?
    /// The fields, and behind them slots that mean nothing.
    var memory: [FieldSlot] = []
    /// Fields that came, repeated ones left out.
    var count = 0
    /// For each hash of a name the number of the first field that has it, counted from 1; 0 for
    /// none, 255 for one of those from the 255th on.
    var places = InlineArray<64, UInt8>(repeating: 0)
    /// Fields that came, repeated ones included.
    var fieldCount = 0

    /// Names and values without their escapes, and behind them bytes that mean nothing. What is
    /// unescaped becomes no longer, so that there is room for a header's once this is as long.
    var unescaped: [UInt8] = []
    var unescapedCount = 0
    /// What was read last, if the next may be like it.
    var before = HeaderBefore()
    /// The fields came in one object and were read the plain way.
    var isAllPlain = false

    /// Reads a header, whose length is within bounds, in place of the one before.
    mutating func read(
        _ header: RawSpan, _ serialization: HeaderSerialization, _ limits: HeaderLimits
    ) throws(FrameError) {
        if before.isAsLong(as: header, serialization),
            let opaque = before.opaque(of: header)
        {
            // All else is as it was.
            numbers.opaque = opaque
            return before.unescape(header, into: &unescaped)
        }
        before.forget(for: header)
        isAllPlain = false
        numbers = HeaderNumbers()
        remark = nil
        count = 0
        places = InlineArray(repeating: 0)
        fieldCount = 0
        unescapedCount = 0
        switch serialization {
        case .json: try readJSON(header, limits)
        case .binary: try readBinary(header, limits)
        }
        if !numbers.isResponse { numbers.code = RequestCode(numbers.code).unaliased.rawValue }
    }

    /// Puts a field behind the others.
    mutating func append(
        _ slot: FieldSlot, of header: RawSpan, _ limits: HeaderLimits
    ) throws(FrameError) {
        fieldCount &+= 1
        if fieldCount > limits.fields || !slot.isWithin(limits) {
            throw refusal(of: slot, limits)
        }
        var slot = slot
        slot.tag = tag(of: slot, in: header)
        let hash = FieldName.hash(of: slot.tag)
        let isFirst = places[hash] == 0
        if !isFirst, try isRepeated(slot, in: header) { return }
        if count == memory.count { makeRoom(for: slot) }
        memory[count] = slot
        count &+= 1
        if isFirst { places[hash] = UInt8(truncatingIfNeeded: min(count, 255)) }
    }

    @inline(never)
    private mutating func makeRoom(for slot: FieldSlot) {
        memory.append(contentsOf: repeatElement(slot, count: max(16, count)))
    }

    /// Which of the bounds a field breaks.
    @inline(never)
    private func refusal(of slot: FieldSlot, _ limits: HeaderLimits) -> FrameError {
        if fieldCount > limits.fields { return .tooManyFields(limit: limits.fields) }
        if Int(slot.nameCount) > limits.nameBytes {
            return .nameTooLong(Int(slot.nameCount), limit: limits.nameBytes)
        }
        return .valueTooLong(Int(slot.valueCount), limit: limits.valueBytes)
    }

    /// Whether the same field came before. Java's client repeats fields in binary headers that it
    /// signs; two values of one name could be read in two ways, and are refused.
    private func isRepeated(_ slot: FieldSlot, in header: RawSpan) throws(FrameError) -> Bool {
        let name = name(of: slot, in: header)
        for place in 0..<count {
            let other = memory[place]
            guard other.tag == slot.tag, other.nameCount == slot.nameCount,
                self.name(of: other, in: header).isEqual(to: name)
            else { continue }
            if value(of: other, in: header).isEqual(to: value(of: slot, in: header)) { return true }
            throw .duplicateField(String(decodingUTF8: name))
        }
        return false
    }

    func check(_ slot: FieldSlot, _ limits: HeaderLimits) throws(FrameError) {
        if Int(slot.valueCount) > limits.valueBytes {
            throw .valueTooLong(Int(slot.valueCount), limit: limits.valueBytes)
        }
    }

    /// Makes room for what a header may hold without its escapes.
    @inline(__always)
    static func makeRoom(toUnescape header: RawSpan, in unescaped: inout [UInt8]) {
        if unescaped.count < header.byteCount { grow(&unescaped, for: header.byteCount) }
    }

    @inline(never)
    private static func grow(_ unescaped: inout [UInt8], for byteCount: Int) {
        let more = max(512, byteCount) &- unescaped.count
        unescaped.append(contentsOf: repeatElement(0, count: more))
    }

    private func tag(of slot: FieldSlot, in header: RawSpan) -> UInt64 {
        slot.isNameElsewhere
            ? FieldName.tag(name(of: slot, in: header))
            : FieldName.tag(header, from: slot.name.lowerBound, to: slot.name.upperBound)
    }

    @_lifetime(borrow self, copy header)
    private func name(of slot: FieldSlot, in header: RawSpan) -> RawSpan {
        slot.isNameElsewhere
            ? unescaped.rawSpan.extracting(slot.name) : header.extracting(slot.name)
    }

    @_lifetime(borrow self, copy header)
    private func value(of slot: FieldSlot, in header: RawSpan) -> RawSpan {
        slot.isValueElsewhere
            ? unescaped.rawSpan.extracting(slot.value) : header.extracting(slot.value)
    }
}
