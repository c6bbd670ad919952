// An open file of the real file system.

private import CApus
private import Glibc
private import Synchronization

/// A file descriptor with its path. Closed once: by `close` or at the end of its life.
package final class SystemFile: DiskFile {
    package let path: String
    private let descriptor: Int32
    // In place, and not a `Flag`: there are files of queues by the ten thousand.
    private let isClosed = Atomic<Bool>(false)
    private let hasLocked = Atomic<Bool>(false)
    private let isWritable: Bool
    private let guards: MappingGuards?
    /// Of the one mapping that a file has at a time.
    private let mapping = Mutex<MappingGuard?>(nil)

    package init(
        descriptor: Int32, path: String, guards: MappingGuards? = nil, isWritable: Bool = true
    ) {
        self.isWritable = isWritable
        self.descriptor = descriptor
        // A copy: a string that was put together has room for up to twice its bytes.
        self.path = String(decoding: Array(path.utf8), as: UTF8.self)
        self.guards = guards
    }

    deinit { close() }

    package func close() {
        if isClosed.exchange(true, ordering: .acquiringAndReleasing) { return }
        // A process that was forked a moment ago holds the file, and the lock with it, until it
        // runs its program.
        if hasLocked.load(ordering: .acquiring) { capus_unlock_first_byte(descriptor) }
        Glibc.close(descriptor)
    }

    private func failure(_ operation: String, code: Int32 = errno) -> DiskError {
        DiskError(operation: operation, path: path, code: code)
    }

    package func byteCount() throws(DiskError) -> Int {
        let count = capus_byte_count(descriptor)
        guard count >= 0 else { throw failure("look at", code: Int32(-count)) }
        return Int(count)
    }

    package func allocate(from offset: Int, count: Int) throws(DiskError) {
        guard count > 0 else { return }
        var code: Int32
        repeat { code = posix_fallocate(descriptor, offset, count) } while code == EINTR
        if code != 0 { throw failure("allocate \(count) bytes at \(offset) of", code: code) }
    }

    package func zero(from offset: Int, count: Int) throws(DiskError) {
        guard count > 0 else { return }
        // FALLOC_FL_ZERO_RANGE is 0x10; FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE is 0x3.
        for mode: Int32 in [0x10, 0x3] {
            let code = capus_fallocate(descriptor, mode, Int64(offset), Int64(count))
            if code == 0 {
                return mode == 0x3 ? try allocate(from: offset, count: count) : ()
            }
            guard code == EOPNOTSUPP || code == EINVAL else { throw failure("zero", code: code) }
        }
        let zeros = MappedBytes.allocate(count: min(count, 1 << 20))
        defer { zeros.deallocate() }
        var done = 0
        while done < count {
            let step = min(zeros.count, count - done)
            try write(zeros.bytes(in: 0..<step), at: offset + done)
            done += step
        }
    }

    package func truncate(to count: Int) throws(DiskError) {
        var result: Int32
        repeat { result = ftruncate(descriptor, count) } while result != 0 && errno == EINTR
        if result != 0 { throw failure("set the length of") }
    }

    package func nextData(from offset: Int) throws(DiskError) -> Range<Int>? {
        let end = try byteCount()
        guard offset < end else { return nil }
        // SEEK_DATA is 3 and SEEK_HOLE 4 on Linux. A file system without them answers "all data".
        let start = lseek(descriptor, offset, 3)
        if start < 0 { return errno == ENXIO ? nil : offset..<end }
        let stop = lseek(descriptor, start, 4)
        return start..<(stop > start ? stop : end)
    }

    package func map(count: Int, writable: Bool) throws(DiskError) -> MappedBytes {
        let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
        let base = unsafe mmap(nil, count, protection, MAP_SHARED, descriptor, 0)
        guard let base = unsafe base, unsafe base != MAP_FAILED else {
            throw failure("map \(count) bytes of")
        }
        let bytes = unsafe MappedBytes(base: base, count: count)
        if let made = guards?.add(bytes, isWritable: writable, path: path) {
            mapping.withLock { $0 = made }
        }
        return bytes
    }

    package var mappingGuard: MappingGuard? { guards == nil ? nil : mapping.withLock { $0 } }

    package func unmap(_ bytes: MappedBytes) {
        if let guards, let leaving = mapping.withLock({ $0.take() }) { guards.remove(leaving) }
        bytes.unmap()
    }

    package func read(into bytes: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int {
        let wanted = bytes.byteCount
        var done = 0
        while done < wanted {
            // Safe: the pointer is used within the call, for no more bytes than the span has left.
            let count = unsafe bytes.withUnsafeMutableBytes { target in
                guard let base = target.baseAddress else { return 0 }
                return unsafe pread(descriptor, base + done, wanted - done, offset + done)
            }
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("read \(wanted) bytes at \(offset) of")
            }
            done += count
        }
        return done
    }

    package func write(_ bytes: RawSpan, at offset: Int) throws(DiskError) {
        let wanted = bytes.byteCount
        var done = 0
        while done < wanted {
            // Safe: the pointer is used within the call, for no more bytes than the span has left.
            let count = unsafe bytes.withUnsafeBytes { source in
                guard let base = source.baseAddress else { return 0 }
                return unsafe pwrite(descriptor, base + done, wanted - done, offset + done)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("write \(wanted) bytes at \(offset) of")
            }
            if count == 0 { throw failure("write \(wanted) bytes at \(offset) of", code: EIO) }
            done += count
        }
    }

    package func forget(from offset: Int, count: Int) {
        _ = posix_fadvise(descriptor, offset, count, POSIX_FADV_DONTNEED)
    }

    package func writeThrough(
        _ first: RawSpan, _ second: RawSpan, at offset: Int
    ) throws(DiskError) {
        let wanted = first.byteCount + second.byteCount
        // Safe: the pointers are used within the call, for as many bytes as the spans have.
        let count = unsafe first.withUnsafeBytes { first in
            unsafe second.withUnsafeBytes { second in
                unsafe capus_write_through(
                    descriptor, first.baseAddress, first.count, second.baseAddress, second.count,
                    Int64(offset))
            }
        }
        if count == wanted {
            try confirmSync()
            if let guards { try check(guards) }
            return
        }
        // RWF_DSYNC is not known everywhere. What was written of it is not known to be durable.
        if count < 0, count != -Int64(EOPNOTSUPP), count != -Int64(ENOSYS) {
            throw failure("write through \(wanted) bytes at \(offset) of", code: Int32(-count))
        }
        if !first.isEmpty { try write(first, at: offset) }
        if !second.isEmpty { try write(second, at: offset + first.byteCount) }
        try sync()
    }

    package func writeBack(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) {
        // Out of the page tables first, in one go: the kernel takes each page that it writes from
        // there otherwise, and interrupts every processor that appends for each one.
        bytes.release(range)
        let code = capus_write_back(descriptor, Int64(range.lowerBound), Int64(range.count))
        // Where there is no such call, or it is not allowed, a sync does all of it.
        if [0, ENOSYS, EOPNOTSUPP, EPERM, EINVAL, ESPIPE].contains(code) { return }
        throw failure(
            "write \(range.count) bytes at \(range.lowerBound) back to", code: code)
    }

    package func sync() throws(DiskError) {
        // EINTR is a failure like any other: what the kernel did with the pages is not known.
        if fdatasync(descriptor) != 0 { throw failure("sync") }
        try confirmSync()
        if let guards { try check(guards) }
    }

    package func sync(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) {
        // The kernel passes over a mapping that nobody can store through, and calls that a success.
        guard isWritable else { return try sync() }
        let code = bytes.sync(range)
        if code != 0 { throw failure("sync", code: code) }
        try confirmSync()
        if let guards { try check(guards) }
    }

    /// Fails when the file system was shut down before the sync ended.
    ///
    /// Linux calls a sync that is under way then a success although the blocks that it was the
    /// first to write stay marked as never written (6.18: ext4 and XFS; see docs/testing.md, L4).
    /// From that moment on every read is refused, one behind the end of the file too, which takes
    /// nothing from the device.
    private func confirmSync() throws(DiskError) {
        var byte: UInt8 = 0
        if unsafe pread(descriptor, &byte, 1, 1 << 62) < 0, errno == EIO {
            throw failure(Self.confirmation)
        }
    }

    /// How a failure to confirm is named.
    package static let confirmation = "sync, on a file system that was shut down meanwhile,"

    /// Behind a sync: what it covered was stored before, and so were the marks of pages that it
    /// could not cover. A page that was written back and then cut off left no mark.
    private func check(_ guards: MappingGuards) throws(DiskError) {
        if let fault = guards.fault(of: path) { throw fault }
        guard let count = mappingGuard?.byteCount else { return }
        let found = try byteCount()
        if found < count {
            throw failure("sync behind byte \(found), where it ends now, of", code: ENODATA)
        }
    }

    /// Behind `close` the number may be that of another file, whose lock is not ours to take.
    package func unlockFirstByte() {
        if !isClosed.load(ordering: .acquiring) { capus_unlock_first_byte(descriptor) }
    }

    package func lockFirstByte() throws(DiskError) -> Bool {
        let code = capus_lock_first_byte(descriptor)
        if code == 0 {
            hasLocked.store(true, ordering: .releasing)
            return true
        }
        if code == EAGAIN || code == EACCES { return false }
        throw failure("lock", code: code)
    }

    package func isFirstByteLocked() throws(DiskError) -> Bool {
        let answer = capus_first_byte_is_locked(descriptor)
        if answer < 0 { throw failure("ask for the lock of", code: -answer) }
        return answer == 1
    }
}
