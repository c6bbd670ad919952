// Binary headers (RocketMQ calls them ROCKETMQ), read in place.
//
//     0   2  4     5        7       11     15
//     code   lang  version  opaque  flags  remark's length, remark
//                                          fields' length, { i16 length, name, i32 length, value }*
//
// An empty name or value is none, as in Java.

internal import ApusFormat

/// The fixed part of a binary header.
enum BinaryHeader {
    static let code = Field<Int16>(at: 0)
    static let language = Field<UInt8>(at: code.end)
    static let version = Field<Int16>(at: language.end)
    static let opaque = Field<Int32>(at: version.end)
    static let flags = Field<Int32>(at: opaque.end)
    static let remarkCount = Field<Int32>(at: flags.end)
    static let opaqueBytes = opaque.offset..<opaque.end
    /// Bytes before the remark.
    static let size = remarkCount.end
}

extension HeaderIndex {
    mutating func readBinary(_ header: RawSpan, _ limits: HeaderLimits) throws(FrameError) {
        guard header.byteCount >= BinaryHeader.size else { throw .binaryOutOfBounds(at: 0) }
        numbers.code = Int32(BinaryHeader.code.load(from: header))
        numbers.language =
            Language(rawValue: BinaryHeader.language.load(from: header)) ?? .other
        numbers.version = Int32(BinaryHeader.version.load(from: header))
        numbers.opaque = BinaryHeader.opaque.load(from: header)
        numbers.flags = BinaryHeader.flags.load(from: header)
        var place = BinaryHeader.remarkCount.offset
        let remark = try Self.counted(Int32.self, in: header, at: &place)
        if !remark.isEmpty {
            let slot = FieldSlot(valueAt: remark)
            try check(slot, limits)
            self.remark = slot
        }
        // Java's own decoder wants the length of the fields; what ends before it has none.
        if place == header.byteCount { return }
        let fields = try Self.counted(Int32.self, in: header, at: &place)
        guard place == header.byteCount else { throw .binaryOutOfBounds(at: place) }
        place = fields.lowerBound
        while place < fields.upperBound {
            let name = try Self.counted(Int16.self, in: header, at: &place)
            let value = try Self.counted(Int32.self, in: header, at: &place)
            if name.isEmpty || value.isEmpty { continue }
            var slot = FieldSlot(valueAt: value)
            slot.setName(name)
            try append(slot, of: header, limits)
        }
        // Moved out while it is used: it stands beside the fields.
        var before = HeaderBefore()
        swap(&before, &self.before)
        before.remember(
            header, fields: memory.span.extracting(0..<count), opaque: BinaryHeader.opaqueBytes,
            isBinary: true)
        swap(&before, &self.before)
    }

    /// Where the bytes stand that a length announces. A length below zero announces none.
    private static func counted<Count: FixedWidthInteger & BitwiseCopyable & Sendable>(
        _ type: Count.Type, in header: RawSpan, at place: inout Int
    ) throws(FrameError) -> Range<Int> {
        let size = MemoryLayout<Count>.size
        guard header.byteCount &- place >= size else { throw .binaryOutOfBounds(at: place) }
        let count = max(0, Int(header.loadBigEndian(Count.self, at: place)))
        let start = place &+ size
        guard header.byteCount &- start >= count else { throw .binaryOutOfBounds(at: place) }
        place = start &+ count
        return start..<place
    }
}
