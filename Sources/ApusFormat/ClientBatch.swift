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
    public let body: Range<Int>
    public let properties: Range<Int>
    /// Where the next frame begins.
    public let end: Int

    /// The caller has made sure that the frame lies within the bytes, and no length is negative.
    @inlinable @inline(__always)
    init(flag: Int32, at offset: Int, bodyLength: Int, propertiesLength: Int) {
        let bodyStart = offset &+ ClientBatch.body
        let bodyEnd = bodyStart &+ bodyLength
        let propertiesStart = bodyEnd &+ ClientBatch.propertiesLengthWidth
        self.flag = flag
        end = propertiesStart &+ propertiesLength
        body = unsafe Range(uncheckedBounds: (bodyStart, bodyEnd))
        properties = unsafe Range(uncheckedBounds: (propertiesStart, end))
    }

    @inlinable public var bodyLength: Int { body.upperBound &- body.lowerBound }

    /// The body, in the bytes that the frame was found in. Traps where they are fewer.
    @inlinable @inline(__always) @_lifetime(copy bytes)
    public func body(in bytes: RawSpan) -> RawSpan {
        precondition(end <= bytes.byteCount)
        // Safe: the body ends before the frame does.
        return unsafe bytes.extracting(unchecked: body)
    }

    /// The properties, in the bytes that the frame was found in. Traps where they are fewer.
    @inlinable @inline(__always) @_lifetime(copy bytes)
    public func properties(in bytes: RawSpan) -> RawSpan {
        precondition(end <= bytes.byteCount)
        // Safe: the properties end where the frame does.
        return unsafe bytes.extracting(unchecked: properties)
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

    /// The same frame again, by the lengths that were found before. Traps where it would not lie
    /// within `bytes`.
    @inlinable @inline(__always)
    public static func frame(
        in bytes: RawSpan, at offset: Int, bodyLength: UInt32, propertiesLength: UInt16
    ) -> ClientBatchFrame {
        let size = minimumSize &+ Int(bodyLength) &+ Int(propertiesLength)
        precondition(offset >= 0 && size <= bytes.byteCount &- offset)
        // Safe: checked just now.
        return ClientBatchFrame(
            flag: unsafe flagField.loadUnchecked(from: bytes, at: offset), at: offset,
            bodyLength: Int(bodyLength), propertiesLength: Int(propertiesLength))
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
