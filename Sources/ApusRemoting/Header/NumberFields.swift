// Several numbers of a header in one go: a send has six, and a call for each costs as much as what
// it does.

internal import ApusFormat

/// Names of fields that hold numbers, eight at most.
@safe public struct NumberFields: @unchecked Sendable {
    // Sendable: what the pointer points to never changes.
    /// One of them.
    public struct Want: Sendable {
        let name: FieldName
        let hash: Int
        let bitWidth: Int
        let fallback: Int64?

        /// A number of 32 bits; without a fallback the field must be there.
        public static func int32(_ name: FieldName, or fallback: Int32? = nil) -> Want {
            Want(
                name: name, hash: name.hash, bitWidth: 32,
                fallback: fallback.map { Int64($0) })
        }

        /// The same of 64 bits.
        public static func int64(_ name: FieldName, or fallback: Int64? = nil) -> Want {
            Want(name: name, hash: name.hash, bitWidth: 64, fallback: fallback)
        }
    }

    fileprivate let wants: UnsafeMutableBufferPointer<Want>

    /// To be made once, for as long as the program is there: its memory is never freed, so that
    /// nobody counts who uses it.
    public init(_ wants: Want...) {
        precondition(wants.count <= 8, "eight numbers at most")
        unsafe self.wants = .allocate(capacity: wants.count)
        _ = unsafe self.wants.initialize(from: wants)
    }
}

extension Request {
    /// The numbers of these fields, in their order, and zeros behind them. The first that is
    /// missing or is no such number is an error.
    public func numbers(_ fields: NumberFields) throws(HeaderError)
        -> InlineArray<8, Int64>
    {
        var numbers = InlineArray<8, Int64>(repeating: 0)
        // Safe: the memory is never written again, nor freed.
        let wants = unsafe fields.wants
        for place in 0..<wants.count {
            unsafe numbers[place] = try number(wants[place])
        }
        return numbers
    }

    @inline(__always)
    private func number(_ want: borrowing NumberFields.Want) throws(HeaderError) -> Int64 {
        guard let text = find(want.name, hash: want.hash) else {
            if let fallback = want.fallback { return fallback }
            throw HeaderError(field: want.name.description, problem: .missing)
        }
        if text.byteCount == 1 {
            let digit = text.loadBigEndian(UInt8.self, at: 0) &- 0x30
            if digit < 10 { return Int64(digit) }
        }
        if want.bitWidth == 64 { return try Self.integer(want.name, text) }
        return Int64(try Self.integer(want.name, text) as Int32)
    }
}
