// Where a big-endian integer stands in a layout, and how it is loaded and stored.
//
// Every number in RocketMQ's files and frames is big-endian two's complement. This file is the only
// one on this floor that reads and writes them in memory: layouts elsewhere are lists of `Field`s.

public import CApus

/// The position and width of one big-endian integer in a fixed layout.
public struct Field<Value: FixedWidthInteger & BitwiseCopyable & Sendable>: Sendable {
    /// Bytes from the start of the layout.
    public let offset: Int

    /// Bytes from the start of the layout to the field that follows this one.
    @inlinable public var end: Int { offset + MemoryLayout<Value>.size }

    @inlinable public init(at offset: Int) { self.offset = offset }

    /// The value in `bytes`, whose first byte is `base` bytes before the layout's start.
    /// Traps when the field does not lie within `bytes`: check the bounds first.
    @inlinable @inline(__always)
    public func load(from bytes: RawSpan, at base: Int = 0) -> Value {
        bytes.loadBigEndian(Value.self, at: base &+ offset)
    }

    /// The same without a check, for a caller that has made sure that the whole layout lies within.
    @unsafe @inlinable @inline(__always)
    func loadUnchecked(from bytes: RawSpan, at base: Int) -> Value {
        unsafe Value(
            bigEndian: bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: base &+ offset, as: Value.self))
    }

    /// Whether it has the same value in two layouts, both of which the caller has made sure lie
    /// within.
    @unsafe @inlinable @inline(__always)
    func isSame(in bytes: RawSpan, at one: Int, _ other: Int) -> Bool {
        unsafe loadUnchecked(from: bytes, at: one) == loadUnchecked(from: bytes, at: other)
    }

    /// Writes without a check, for a caller that has made sure that the whole layout lies within.
    @unsafe @inlinable @inline(__always)
    func storeUnchecked(_ value: Value, into bytes: inout MutableRawSpan, at base: Int) {
        unsafe bytes.storeBytes(
            of: value.bigEndian, toUncheckedByteOffset: base &+ offset, as: Value.self)
    }

    /// Writes `value` into `bytes`, where the layout starts at `base`.
    /// Traps when the field does not lie within `bytes`: check the bounds first.
    @inlinable @inline(__always)
    public func store(_ value: Value, into bytes: inout MutableRawSpan, at base: Int = 0) {
        bytes.storeBigEndian(value, at: base &+ offset)
    }
}

extension RawSpan {
    /// The big-endian integer that starts at `offset`. Traps when it does not lie within the span.
    @inlinable @inline(__always)
    public func loadBigEndian<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self, at offset: Int
    ) -> Value {
        // The bounds are checked by `unsafeLoadUnaligned`; every bit pattern of an integer is
        // valid.
        unsafe Value(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// Eight bytes from `offset` on, the first one least significant. Traps when they do not lie
    /// within the span. For bytes, not numbers: those are big-endian.
    @inline(__always)
    func loadLittleEndian(at offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

extension [UInt8] {
    /// The array's bytes, to read.
    @inlinable public var rawSpan: RawSpan {
        // Safe: every bit pattern of a byte is one.
        @_lifetime(borrow self) get { unsafe span.bytes }
    }

    /// The array's bytes, to write.
    @inlinable public var mutableRawSpan: MutableRawSpan {
        @_lifetime(&self) mutating get {
            // The array holds its storage alone for as long as the span borrows it.
            let bytes = unsafe withUnsafeMutableBytes { unsafe $0 }
            let span = unsafe MutableRawSpan(_unsafeBytes: bytes)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }
}

extension RawSpan {
    /// So many bytes from `offset` on, which must be there: an extraction by a range would look
    /// whether its bounds can be subtracted.
    @unsafe @inlinable @inline(__always) @_lifetime(copy self)
    func part(at offset: Int, byteCount: Int) -> RawSpan {
        guard let base = unsafe withUnsafeBytes({ $0.baseAddress }) else { return self }
        let span = unsafe RawSpan(_unsafeStart: base + offset, byteCount: byteCount)
        return unsafe _overrideLifetime(span, copying: self)
    }

    /// Which of the 64 bytes from `offset` on, or as many as there are, are `one` or `other`: bit n
    /// stands for byte n. Traps when `offset` does not lie within the span.
    @inlinable @inline(__always)
    public func matches(of one: UInt8, or other: UInt8, at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset < byteCount)
        // Safe: the bytes from `offset` to the end are there as long as the span is, and no others
        // are looked at. All of it in the closure would allocate where nothing is optimised.
        guard let base = unsafe withUnsafeBytes({ $0.baseAddress }) else { return 0 }
        return unsafe capus_either_of_64(base, offset, byteCount, one, other)
    }

    /// Whether one of the bytes, of which there are at least 16, cannot stand in a string of JSON
    /// as it is: `"`, `\`, DEL and control characters. Traps when there are fewer.
    @inlinable @inline(__always)
    public var hasEscapesOfJSON: Bool {
        precondition(byteCount >= 16)
        // Safe: as above.
        guard let base = unsafe withUnsafeBytes({ $0.baseAddress }) else { return false }
        return unsafe capus_has_escapes(base, byteCount) != 0
    }

    /// Whether `other`, which is as long, is the same but where `loose` has FF and not 0. The bytes
    /// here that stand there must be neither quotes nor backslashes, unless those may be.
    @inlinable @inline(__always)
    public func isAlike(_ other: RawSpan, loose: RawSpan, mayHaveMarks: Bool) -> Bool {
        precondition(other.byteCount == byteCount && loose.byteCount == byteCount)
        // Safe: as above, for all three.
        guard let one = unsafe withUnsafeBytes({ $0.baseAddress }),
            let two = unsafe other.withUnsafeBytes({ $0.baseAddress }),
            let mask = unsafe loose.withUnsafeBytes({ $0.baseAddress })
        else { return true }
        return unsafe capus_is_alike(one, two, mask, byteCount, mayHaveMarks ? 1 : 0) != 0
    }

    /// Whether both hold the same bytes.
    public func isEqual(to other: RawSpan) -> Bool {
        let count = byteCount
        guard count == other.byteCount else { return false }
        var offset = 0
        while offset &+ 8 <= count {
            if loadBigEndian(UInt64.self, at: offset)
                != other.loadBigEndian(UInt64.self, at: offset)
            {
                return false
            }
            offset &+= 8
        }
        if offset == count { return true }
        if count >= 8 {
            // The last eight, some of which were looked at already.
            return loadBigEndian(UInt64.self, at: count &- 8)
                == other.loadBigEndian(UInt64.self, at: count &- 8)
        }
        if count >= 4 {
            return loadBigEndian(UInt32.self, at: 0) == other.loadBigEndian(UInt32.self, at: 0)
                && loadBigEndian(UInt32.self, at: count &- 4)
                    == other.loadBigEndian(UInt32.self, at: count &- 4)
        }
        while offset < count {
            if loadBigEndian(UInt8.self, at: offset) != other.loadBigEndian(UInt8.self, at: offset)
            {
                return false
            }
            offset &+= 1
        }
        return true
    }

    /// Whether every byte is zero.
    public var isZero: Bool {
        let count = byteCount
        var offset = 0
        while offset &+ 64 <= count {
            // Safe: 64 bytes are there, and every bit pattern of a number is valid.
            let eight = unsafe unsafeLoadUnaligned(
                fromUncheckedByteOffset: offset, as: SIMD8<UInt64>.self)
            let four = eight.lowHalf | eight.highHalf
            let two = four.lowHalf | four.highHalf
            if two.x | two.y != 0 { return false }
            offset &+= 64
        }
        while offset < count {
            if loadBigEndian(UInt8.self, at: offset) != 0 { return false }
            offset &+= 1
        }
        return true
    }
}

extension MutableRawSpan {
    /// Writes `value` big-endian from `offset`. Traps when it does not lie within the span.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func storeBigEndian<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value, at offset: Int
    ) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
    }

    /// Copies all of `source` to `offset`. Traps when it does not fit.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func copy(_ source: RawSpan, at offset: Int) {
        precondition(offset >= 0 && source.byteCount <= byteCount &- offset)
        // Safe: the bounds were checked, and exclusive access to self rules out overlap.
        unsafe self.withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { bytes in
                guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
                unsafe capus_copy(to + offset, from, bytes.count)
            }
        }
    }

    /// The same without a check, for a caller that has made sure that all of it fits. The two do
    /// not overlap.
    @unsafe @inlinable @inline(__always) @_lifetime(self: copy self)
    mutating func copyUnchecked(_ source: RawSpan, at offset: Int) {
        unsafe self.withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { bytes in
                guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
                unsafe capus_copy(to + offset, from, bytes.count)
            }
        }
    }
}

extension [UInt8] {
    /// Appends the bytes of `value`, most significant first.
    @inlinable mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) {
        for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }
}
