// The frames in which RocketMQ's clients send a batch, one behind the other.
//
//     0        4        8        12       16       20
//     +--------+--------+--------+--------+--------+------+--------+------------+
//     | total  | magic  | body   | flag   | body   | body | prop.  | properties |
//     | size   | (any)  | CRC    |        | length |      | length |            |
//     +--------+--------+--------+--------+--------+------+--------+------------+
//
// RocketMQ ignores magic and CRC (its clients write 0), and so does this.

/// Why bytes are not a batch.
public enum BatchDamage: Error, Hashable, Sendable {
    /// Fewer bytes are left than the smallest frame has.
    case truncated(at: Int)
    /// The total size is smaller than the smallest frame or reaches past the end.
    case sizeOutOfBounds(at: Int, Int32)
    /// The lengths of body and properties do not add up to the total size.
    case lengthsDisagree(at: Int)
}

/// One message of a batch: where its parts stand in the batch's bytes.
public struct ClientBatchFrame: Hashable, Sendable {
    /// The application's flag.
    public let flag: Int32
    /// Where the body begins.
    @usableFromInline let start: Int
    /// Bytes of the body.
    public let bodyLength: Int
    /// Bytes of the properties.
    public let propertiesLength: Int

    /// The caller has made sure that the frame lies within the bytes, and no length is negative.
    @inlinable @inline(__always)
    init(flag: Int32, at offset: Int, bodyLength: Int, propertiesLength: Int) {
        self.flag = flag
        start = offset &+ ClientBatch.body
        self.bodyLength = bodyLength
        self.propertiesLength = propertiesLength
    }

    /// Bytes of the whole frame.
    @inlinable @inline(__always)
    public var byteCount: Int {
        ClientBatch.byteCount(bodyLength: bodyLength, propertiesLength: propertiesLength)
    }

    /// Where the next frame begins.
    @inlinable @inline(__always)
    public var end: Int { propertiesStart &+ propertiesLength }

    @inlinable @inline(__always)
    var propertiesStart: Int { start &+ bodyLength &+ ClientBatch.propertiesLengthWidth }

    /// How many frames from this one on have the same lengths, and properties for which the summary
    /// of this one's holds: 1 or more. `bytes` are those that it was found in; traps where they end
    /// before it does.
    @inline(never)
    public func alikeCount(in bytes: RawSpan, _ summary: PropertySummary) -> Int {
        let offset = start &- ClientBatch.body
        precondition(offset >= 0)
        let properties = properties(in: bytes)
        var count = 1
        var next = end
        while byteCount <= bytes.byteCount &- next {
            // Safe: this frame lies within the bytes, and as many are behind `next`.
            guard unsafe ClientBatch.totalSizeField.isSame(in: bytes, at: offset, next),
                unsafe ClientBatch.bodyLengthField.isSame(in: bytes, at: offset, next),
                unsafe Field<Int16>(at: ClientBatch.body &+ bodyLength)
                    .isSame(in: bytes, at: offset, next),
                summary.holds(
                    for: unsafe bytes.part(
                        at: next &+ byteCount &- propertiesLength, byteCount: propertiesLength),
                    as: properties)
            else { break }
            count &+= 1
            next &+= byteCount
        }
        return count
    }

    /// Where the body stands in the batch's bytes.
    @inlinable public var body: Range<Int> { start..<start &+ bodyLength }

    /// Where the properties stand.
    @inlinable public var properties: Range<Int> { propertiesStart..<end }

    /// The body, in the bytes that the frame was found in. Traps where they are fewer.
    @inlinable @inline(__always) @_lifetime(copy bytes)
    public func body(in bytes: RawSpan) -> RawSpan {
        precondition(end <= bytes.byteCount)
        // Safe: the body ends before the frame does.
        return unsafe uncheckedBody(in: bytes)
    }

    /// The properties, in the bytes that the frame was found in. Traps where they are fewer.
    @inlinable @inline(__always) @_lifetime(copy bytes)
    public func properties(in bytes: RawSpan) -> RawSpan {
        precondition(end <= bytes.byteCount)
        // Safe: the properties end where the frame does.
        return unsafe uncheckedProperties(in: bytes)
    }

    /// The body, in bytes that the caller has made sure the frame lies within.
    @unsafe @inlinable @inline(__always) @_lifetime(copy bytes)
    public func uncheckedBody(in bytes: RawSpan) -> RawSpan {
        unsafe bytes.part(at: start, byteCount: bodyLength)
    }

    /// The same for the properties.
    @unsafe @inlinable @inline(__always) @_lifetime(copy bytes)
    public func uncheckedProperties(in bytes: RawSpan) -> RawSpan {
        unsafe bytes.part(at: propertiesStart, byteCount: propertiesLength)
    }
}

/// Reads and writes batches of clients.
public enum ClientBatch: Sendable {
    @inlinable static var totalSizeField: Field<Int32> { Field(at: 0) }
    @inlinable static var flagField: Field<Int32> { Field(at: 12) }
    @inlinable static var bodyLengthField: Field<Int32> { Field(at: 16) }
    @inlinable static var body: Int { 20 }
    @inlinable static var propertiesLengthWidth: Int { 2 }
    /// Bytes of a frame with nothing in it.
    @inlinable public static var minimumSize: Int { body &+ propertiesLengthWidth }

    /// Bytes of a frame with such parts.
    @inlinable @inline(__always)
    public static func byteCount(bodyLength: Int, propertiesLength: Int) -> Int {
        minimumSize &+ bodyLength &+ propertiesLength
    }

    /// The frame that starts at `offset`. Allocates nothing.
    @inlinable @inline(__always)
    public static func frame(
        in bytes: RawSpan, at offset: Int
    ) throws(BatchDamage) -> ClientBatchFrame {
        let room = bytes.byteCount &- offset
        guard offset >= 0, room >= minimumSize else { throw .truncated(at: offset) }
        // Safe: the fields before the body are there.
        let size = unsafe totalSizeField.loadUnchecked(from: bytes, at: offset)
        guard Int(size) >= minimumSize, Int(size) <= room else {
            throw .sizeOutOfBounds(at: offset, size)
        }
        let bodyLength = Int(unsafe bodyLengthField.loadUnchecked(from: bytes, at: offset))
        guard bodyLength >= 0, bodyLength <= Int(size) &- minimumSize else {
            throw .lengthsDisagree(at: offset)
        }
        // Safe: so much of the frame is there.
        let propertiesLength = Int(
            unsafe Field<Int16>(at: body).loadUnchecked(from: bytes, at: offset &+ bodyLength))
        guard propertiesLength >= 0, bodyLength &+ propertiesLength == Int(size) &- minimumSize
        else { throw .lengthsDisagree(at: offset) }
        return ClientBatchFrame(
            flag: unsafe flagField.loadUnchecked(from: bytes, at: offset), at: offset,
            bodyLength: bodyLength, propertiesLength: propertiesLength)
    }

    /// The frame at `offset` again, by the lengths that were found before. Traps where it would not
    /// lie within `bytes`.
    @inlinable @inline(__always)
    public static func frame(
        in bytes: RawSpan, at offset: Int, bodyLength: Int, propertiesLength: Int
    ) -> ClientBatchFrame {
        let size = byteCount(bodyLength: bodyLength, propertiesLength: propertiesLength)
        precondition(
            offset >= 0 && (bodyLength | propertiesLength) >= 0
                && size <= bytes.byteCount &- offset)
        // Safe: checked just now.
        return unsafe uncheckedFrame(
            in: bytes, at: offset, bodyLength: bodyLength, propertiesLength: propertiesLength)
    }

    /// The same for a caller that has made sure that it does.
    @unsafe @inlinable @inline(__always)
    public static func uncheckedFrame(
        in bytes: RawSpan, at offset: Int, bodyLength: Int, propertiesLength: Int
    ) -> ClientBatchFrame {
        ClientBatchFrame(
            flag: unsafe flagField.loadUnchecked(from: bytes, at: offset), at: offset,
            bodyLength: bodyLength, propertiesLength: propertiesLength)
    }

    /// Appends a frame to `frames`. The properties may have 32,767 bytes and the whole frame less
    /// than 2 GiB; the caller has checked that.
    public static func encode(
        flag: Int32, body bodyBytes: RawSpan, properties: RawSpan, into frames: inout [UInt8]
    ) {
        let start = frames.count
        let size = minimumSize + bodyBytes.byteCount + properties.byteCount
        frames.append(contentsOf: repeatElement(0, count: size))
        var bytes = frames.mutableRawSpan
        totalSizeField.store(Int32(truncatingIfNeeded: size), into: &bytes, at: start)
        flagField.store(flag, into: &bytes, at: start)
        bodyLengthField.store(
            Int32(truncatingIfNeeded: bodyBytes.byteCount), into: &bytes, at: start)
        bytes.copy(bodyBytes, at: start + body)
        let bodyEnd = start + body + bodyBytes.byteCount
        bytes.storeBigEndian(Int16(truncatingIfNeeded: properties.byteCount), at: bodyEnd)
        bytes.copy(properties, at: bodyEnd + propertiesLengthWidth)
    }
}
