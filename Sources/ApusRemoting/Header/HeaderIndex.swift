// What a header says, and where in it: read once, looked up often, allocated never.
//
// One index serves all frames of a connection; after the first ones its arrays have their size.
// Values are where they came, in the header, but for those with escapes, which stand without them
// in `unescaped`.

internal import ApusFormat

/// Where a field's name and value stand.
struct FieldSlot {
    /// The first eight bytes of the name: see `FieldName`.
    var tag: UInt64
    var nameStart: UInt32
    var nameCount: UInt32
    var valueStart: UInt32
    var valueCount: UInt32
    /// In `unescaped` rather than in the header.
    var isNameElsewhere: Bool
    var isValueElsewhere: Bool
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
    private(set) var slots: [FieldSlot] = []
    var unescaped: [UInt8] = []
    /// A bit for each name that was seen: most second looks for duplicates need none.
    private var seen: UInt64 = 0
    /// Fields that came, repeated ones included.
    private var fieldCount = 0

    /// Reads a header, whose length is within bounds, in place of the one before.
    mutating func read(
        _ header: RawSpan, _ serialization: HeaderSerialization, _ limits: HeaderLimits
    ) throws(FrameError) {
        numbers = HeaderNumbers()
        remark = nil
        slots.removeAll(keepingCapacity: true)
        unescaped.removeAll(keepingCapacity: true)
        seen = 0
        fieldCount = 0
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
        if fieldCount > limits.fields { throw .tooManyFields(limit: limits.fields) }
        if slot.nameCount > limits.nameBytes {
            throw .nameTooLong(Int(slot.nameCount), limit: limits.nameBytes)
        }
        try check(slot, limits)
        var slot = slot
        slot.tag = tag(of: slot, in: header)
        let bit: UInt64 = 1 << ((slot.tag &* 0x9E37_79B9_7F4A_7C15) >> 58)
        if seen & bit != 0, try isRepeated(slot, in: header) { return }
        seen |= bit
        slots.append(slot)
    }

    /// Whether the same field came before. Java's client repeats fields in binary headers that it
    /// signs; two values of one name could be read in two ways, and are refused.
    private func isRepeated(_ slot: FieldSlot, in header: RawSpan) throws(FrameError) -> Bool {
        let name = name(of: slot, in: header)
        for place in slots.indices {
            let other = slots[place]
            guard other.tag == slot.tag, other.nameCount == slot.nameCount,
                self.name(of: other, in: header).isEqual(to: name)
            else { continue }
            if value(of: other, in: header).isEqual(to: value(of: slot, in: header)) { return true }
            throw .duplicateField(String(decodingUTF8: name))
        }
        return false
    }

    func check(_ slot: FieldSlot, _ limits: HeaderLimits) throws(FrameError) {
        if slot.valueCount > limits.valueBytes {
            throw .valueTooLong(Int(slot.valueCount), limit: limits.valueBytes)
        }
    }

    /// The tag of the name: of one in the header by a single load, where eight bytes are there.
    @inline(__always)
    private func tag(of slot: FieldSlot, in header: RawSpan) -> UInt64 {
        let start = Int(slot.nameStart)
        guard !slot.isNameElsewhere, header.byteCount &- start >= 8 else {
            return FieldName.tag(name(of: slot, in: header))
        }
        let word = header.loadBigEndian(UInt64.self, at: start)
        let count = slot.nameCount
        return count >= 8 ? word : word & ~(UInt64.max >> UInt64(count &* 8))
    }

    @_lifetime(borrow self, copy header)
    private func name(of slot: FieldSlot, in header: RawSpan) -> RawSpan {
        let range = Int(slot.nameStart)..<Int(slot.nameStart &+ slot.nameCount)
        guard slot.isNameElsewhere else {
            return header.extracting(range)
        }
        return unescaped.rawSpan.extracting(range)
    }

    @_lifetime(borrow self, copy header)
    private func value(of slot: FieldSlot, in header: RawSpan) -> RawSpan {
        slot.isValueElsewhere
            ? unescaped.rawSpan.extracting(slot.value) : header.extracting(slot.value)
    }
}
