// The only file on this floor that holds pointers to mapped memory.
//
// A `MappedBytes` does not own its memory. Whoever mapped it (a segment, a queue file) keeps it
// mapped for as long as anyone may use a copy, and says in its head comment how it knows. Every
// access is bounds-checked against the length that was mapped.

public import CApus
private import Glibc

/// A stretch of mapped or allocated memory, with bounds.
@safe @frozen public struct MappedBytes: BitwiseCopyable, @unchecked Sendable {
    // Sendable: the struct is two words; who may touch which bytes when is the owner's protocol
    // (reserved ranges have one writer, published ranges none).
    @usableFromInline let base: UnsafeMutableRawPointer
    /// Bytes from the start to the end.
    public let count: Int

    /// `base` must point to `count` bytes that outlive every use of the value and its copies.
    @unsafe @inlinable package init(base: UnsafeMutableRawPointer, count: Int) {
        unsafe self.base = unsafe base
        self.count = count
    }

    /// No bytes at all.
    package static let empty = MappedBytes.allocate(count: 0)

    /// Zeroed memory of the process, for tables and names; never freed unless `deallocate` is
    /// called.
    package static func allocate(count: Int, alignment: Int = 64) -> MappedBytes {
        let base = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: alignment)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        return unsafe MappedBytes(base: base, count: count)
    }

    /// A copy of `bytes` in memory of its own.
    package static func copy(_ bytes: RawSpan) -> MappedBytes {
        let copy = allocate(count: bytes.byteCount, alignment: 8)
        copy.withMutable { target in
            // Safe: both are as long as `bytes`.
            unsafe target.withUnsafeMutableBytes { to in
                unsafe bytes.withUnsafeBytes { unsafe to.copyMemory(from: $0) }
            }
        }
        return copy
    }

    /// Address room of the process's own for `count` bytes. A page takes memory once it is written
    /// to, and reads as zeros before. `unmap` ends it.
    package static func reserve(count: Int) throws(DiskError) -> MappedBytes {
        let base = unsafe mmap(
            nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let base = unsafe base, unsafe base != MAP_FAILED else {
            throw DiskError(operation: "reserve \(count) bytes of", path: "memory", code: errno)
        }
        return unsafe MappedBytes(base: base, count: count)
    }

    /// Frees memory that `allocate` or `copy` made. No copy of the value may be used afterwards.
    package func deallocate() {
        unsafe base.deallocate()
    }

    /// The first `count` bytes, which the same owner keeps.
    package func prefix(_ count: Int) -> MappedBytes {
        precondition(count >= 0 && count <= self.count)
        return unsafe MappedBytes(base: base, count: count)
    }

    /// All bytes, to read.
    @inlinable public var bytes: RawSpan {
        @_lifetime(borrow self) get {
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// All bytes, to write. The caller has those that it touches to itself.
    @inlinable package var mutableBytes: MutableRawSpan {
        @_lifetime(borrow self) get {
            let span = unsafe MutableRawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// So many of them from `offset` on, which the caller has made sure are there.
    @unsafe @inlinable @inline(__always) @_lifetime(borrow self)
    package func uncheckedMutableBytes(at offset: Int, byteCount: Int) -> MutableRawSpan {
        let span = unsafe MutableRawSpan(_unsafeStart: base + offset, byteCount: byteCount)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Asks the processor for the cache lines in `range`, to be read soon. Traps when it reaches
    /// beyond the end.
    package func prefetchForReading(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        unsafe capus_prefetch_lines(base + range.lowerBound, range.count)
    }

    /// The bytes in `range`, to read. Traps when the range reaches beyond the end.
    @inlinable @_lifetime(borrow self)
    public func bytes(in range: Range<Int>) -> RawSpan {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        let span = unsafe RawSpan(
            _unsafeStart: base + range.lowerBound, byteCount: range.upperBound - range.lowerBound)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// One byte. Traps outside of the bounds.
    package func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < count)
        return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// Gives `body` the bytes to write. The caller has them to itself.
    @inlinable @inline(__always)
    public func withMutable<Result: ~Copyable, Failure: Error>(
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = unsafe MutableRawSpan(_unsafeStart: base, byteCount: count)
        return try body(&span)
    }

    /// Gives `body` the bytes of `range` to write. The caller has them to itself.
    @inlinable @inline(__always)
    public func withMutable<Result: ~Copyable, Failure: Error>(
        in range: Range<Int>, _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var span = unsafe MutableRawSpan(
            _unsafeStart: base + range.lowerBound, byteCount: range.upperBound - range.lowerBound)
        return try body(&span)
    }

    /// Gives `body` the `byteCount` bytes from `offset` on to write. The caller has them to itself.
    @inlinable @inline(__always)
    public func withMutable<Result: ~Copyable, Failure: Error>(
        at offset: Int, byteCount: Int, _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(offset >= 0 && byteCount >= 0 && offset <= count &- byteCount)
        var span = unsafe MutableRawSpan(_unsafeStart: base + offset, byteCount: byteCount)
        return try body(&span)
    }

    /// Asks the processor for the cache lines of up to `length` bytes from `offset` on, which must
    /// not be negative. Most are so few that nothing is looked at: those behind the end are left
    /// out, or named and not touched.
    @inlinable @inline(__always)
    public func prefetchForWriting(at offset: Int, length: Int) {
        if length <= CAPUS_PREFETCH_SHORT {
            unsafe capus_prefetch_short(base + offset)
        } else {
            prefetchManyForWriting(at: offset, length: length)
        }
    }

    @inlinable @inline(never)
    func prefetchManyForWriting(at offset: Int, length: Int) {
        guard offset >= 0, offset < count else { return }
        unsafe capus_prefetch(base + offset, min(length, count &- offset))
    }

    /// The same for bytes that will be read soon; those outside are left out.
    @inlinable @inline(__always)
    package func prefetchForReading(at offset: Int, length: Int) {
        guard offset >= 0, offset < count else { return }
        unsafe capus_prefetch_to_read(base + offset, min(length, count &- offset))
    }

    /// Brings the pages of `range` in, ready to be written without a fault. Advice: a kernel that
    /// does not know it leaves the faults to the writer. `between` is run behind each step.
    package func populateForWriting(_ range: Range<Int>, between: () -> Void = {}) {
        guard let pages = pages(in: range) else { return }
        // Step by step: within a call the kernel leaves the processor to nobody, not even for the
        // 8 ms that 4 MiB of memory take which the host of a virtual machine has to find first.
        for start in stride(from: pages.lowerBound, to: pages.upperBound, by: Self.populateStep) {
            let count = min(Self.populateStep, pages.upperBound - start)
            // MADV_POPULATE_WRITE is 23 since Linux 5.14; older headers do not name it.
            if unsafe madvise(base + start, count, 23) != 0 { return }
            between()
        }
    }

    /// The same for a few pages of many files: no others are brought in around them, 128 KiB for
    /// each fault as the system has it.
    package func populatePagesForWriting(_ range: Range<Int>) {
        _ = unsafe madvise(base, count, MADV_RANDOM)
        populateForWriting(range)
        // Who reads it later reads on.
        _ = unsafe madvise(base, count, MADV_NORMAL)
    }

    /// Makes the pages of `range` dirty without changing them, so that the next sync writes them.
    /// What a failed sync left in the page cache counts as written there although it is not.
    package func dirty(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
            unsafe base.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
            offset = (offset | 4095) + 1
        }
    }

    private static var populateStep: Int { 64 << 10 }

    /// Takes the whole pages in `range` out of the process's page tables, of a shared mapping only:
    /// they stay in the page cache, and who touches them finds them there.
    package func release(_ range: Range<Int>) { discard(range) }

    /// Makes the pages of `range`, of a shared mapping of a file that is open for writing, durable,
    /// with all that is needed to read them again. 0 or an errno value.
    ///
    /// As a sync of the file does, but no other pages are written and taken out of the page tables:
    /// those ahead of a writer are there for it without a fault.
    func sync(_ range: Range<Int>) -> Int32 {
        guard let pages = pages(in: range) else { return 0 }
        return unsafe msync(base + pages.lowerBound, pages.count, MS_SYNC) == 0 ? 0 : errno
    }

    /// Gives the memory of the whole pages in `range` back; of what `reserve` made only.
    package func discard(_ range: Range<Int>) {
        let low = (max(0, range.lowerBound) + 4095) & ~4095
        let high = min(count, range.upperBound) & ~4095
        guard low < high else { return }
        _ = unsafe madvise(base + low, high - low, MADV_DONTNEED)
    }

    /// Sets the bytes of `range` to zero.
    package func clear(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        unsafe memset(base + range.lowerBound, 0, range.count)
    }

    /// Tells the kernel that `range` will be read from front to back.
    package func adviseSequential(_ range: Range<Int>) {
        guard let pages = pages(in: range) else { return }
        _ = unsafe madvise(base + pages.lowerBound, pages.count, MADV_SEQUENTIAL)
    }

    private func pages(in range: Range<Int>) -> Range<Int>? {
        let low = max(0, range.lowerBound) & ~4095
        let high = min(count, range.upperBound)
        return low < high ? low..<high : nil
    }

    /// Loads a byte of each page of `range`, so that what is missing is known of.
    func touch(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        unsafe capus_touch(base + range.lowerBound, range.count)
    }

    /// Has the mapping guarded. The number to ask by; -1 when there is no room for one more.
    func addGuard(isWritable: Bool) -> Int32 {
        unsafe capus_guard_add(base, count, isWritable ? 1 : 0)
    }

    /// Ends the mapping. No copy of the value may be used afterwards.
    package func unmap() {
        _ = unsafe munmap(base, count)
    }
}
