// Where a decoder writes: room that doubles up to a bound.

/// Output that grows in steps and never beyond its limit.
struct GrowingOutput {
    private var storage: [UInt8]
    private var count = 0
    private let limit: Int

    /// Begins with four times what is expected, within the limit.
    init(expecting expected: Int, limit: Int) {
        self.limit = max(0, limit)
        storage = [UInt8](repeating: 0, count: min(self.limit, max(256, expected * 4)))
    }

    /// Bytes that can be written now.
    var roomCount: Int { storage.count - count }

    /// What was written.
    var bytes: [UInt8] { Array(storage[..<count]) }

    /// Counts bytes that were written into the room.
    mutating func fill(_ written: Int) { count += min(max(0, written), roomCount) }

    /// Doubles the room; false at the limit.
    mutating func grow() -> Bool {
        guard storage.count < limit else { return false }
        let more = min(limit - storage.count, max(storage.count, 256))
        storage.append(contentsOf: repeatElement(0, count: more))
        return true
    }

    /// Gives `body` the room. The pointer must not leave the call.
    @unsafe mutating func withRoom<Result>(
        _ body: (UnsafeMutableRawBufferPointer) -> Result
    ) -> Result {
        let start = count
        return unsafe storage.withUnsafeMutableBytes { all in
            unsafe body(UnsafeMutableRawBufferPointer(rebasing: all[start...]))
        }
    }
}
