// One CommitLog file: mapped whole, of fixed length, named by its first physical offset.
//
// The mapping lives as long as the object: whoever holds the segment (the list, a lease, an
// appender with a reservation in it) may touch its bytes. The writers store into `target` in ranges
// that a reservation gave them alone; readers look only at what has been published and is in the
// file.

import ApusFormat
public import ApusSystem
import Synchronization

/// A CommitLog file.
@usableFromInline package final class Segment: Sendable {
    /// Physical offset of the first byte.
    package let base: Int64
    package let file: any DiskFile
    @usableFromInline package let bytes: MappedBytes
    /// Where records are encoded: `bytes` or, for the page-aligned writer, memory of the segment's
    /// own.
    package let target: MappedBytes
    let isStaged: Bool
    let mappingGuard: MappingGuard?
    /// Bytes from the start up to which pages were brought in for writing.
    private let populated = Atomic<Int>(0)
    /// Bytes from the start up to which blocks were prepared for the page-aligned writer, or are
    /// not to be. Under the writer's lock.
    let zeroed = Atomic<Int>(0)
    /// Bytes from the start whose memory in `target` was given back.
    private let released = Atomic<Int>(0)

    package init(base: Int64, file: any DiskFile, bytes: MappedBytes, target: MappedBytes? = nil) {
        self.base = base
        self.file = file
        self.bytes = bytes
        self.target = target ?? bytes
        isStaged = target != nil
        mappingGuard = file.mappingGuard
    }

    deinit {
        if isStaged { target.unmap() }
        file.unmap(bytes)
        file.close()
    }

    /// Physical offset behind the last byte.
    @inline(__always) package var end: Int64 { base &+ Int64(bytes.count) }

    @inline(__always) package func contains(_ physicalOffset: Int64) -> Bool {
        physicalOffset >= base && physicalOffset < end
    }

    /// Where a physical offset lies in `bytes`.
    @inline(__always) package func position(of physicalOffset: Int64) -> Int {
        Int(physicalOffset &- base)
    }

    /// Brings pages in up to `limit` bytes from the start, at most `step` bytes of them.
    /// Answers the bytes now populated. One thread at a time.
    package func populate(upTo limit: Int, step: Int, between: () -> Void = {}) -> Int {
        let from = populated.load(ordering: .relaxed)
        let to = min(limit, from + step, bytes.count)
        guard to > from else { return from }
        target.populateForWriting(from..<to, between: between)
        populated.store(to, ordering: .relaxed)
        return to
    }

    /// As far as pages were brought in, or need not be.
    var populatedByteCount: Int { populated.load(ordering: .relaxed) }

    /// Takes bytes that hold data already out of `populate`'s work.
    package func skipPopulating(to position: Int) {
        populated.store(
            max(position & ~4095, populated.load(ordering: .relaxed)), ordering: .relaxed)
    }

    /// Gives the memory before `position` back, in steps that are worth a call: its bytes are in
    /// the file. Under the writer's lock.
    func release(upTo position: Int) {
        let from = released.load(ordering: .relaxed)
        guard isStaged, position - from >= 1 << 20 || position == bytes.count else { return }
        target.discard(from..<position)
        released.store(position, ordering: .relaxed)
    }

    /// Fails when an inspection at `position` may have met zeros that are not the file's. A record
    /// that it found can be read whole afterwards.
    @inline(__always)
    func checkMapping(of outcome: RecordOutcome, at position: Int) throws(StoreError) {
        guard let mappingGuard else { return }
        var range = position..<position
        if case .record(let frame) = outcome { range = position..<position + frame.totalSize }
        try mappingGuard.check(reading: range)
    }

    /// Opens a file that is there. `length` is what it must have.
    package static func open(
        _ disk: any Disk, path: String, base: Int64, length: Int, writable: Bool,
        isStaged: Bool = false
    ) throws(StoreError) -> Segment {
        do throws(DiskError) {
            let file = try disk.open(path, writable ? .readWrite : .readOnly)
            return try map(file, base: base, length: length, isStaged: isStaged, writable: writable)
        } catch {
            throw StoreError(error)
        }
    }

    private static func map(
        _ file: any DiskFile, base: Int64, length: Int, isStaged: Bool, writable: Bool
    ) throws(DiskError) -> Segment {
        let target = isStaged ? try MappedBytes.reserve(count: length) : nil
        do throws(DiskError) {
            // Nobody stores through the mapping when the writer does not.
            let bytes = try file.map(count: length, writable: writable && !isStaged)
            return Segment(base: base, file: file, bytes: bytes, target: target)
        } catch {
            target?.unmap()
            throw error
        }
    }

    /// Makes a file with all of its room and a durable name. A file that could not be made whole
    /// is removed again.
    package static func create(
        _ disk: any Disk, path: String, base: Int64, length: Int, isStaged: Bool = false
    ) throws(StoreError) -> Segment {
        do throws(DiskError) {
            let file = try disk.open(path, .createEmpty)
            do throws(DiskError) {
                try file.allocate(from: 0, count: length)
                let made = try map(
                    file, base: base, length: length, isStaged: isStaged, writable: true)
                // Its length must not, and the name must not, vanish with records in the file.
                try file.sync()
                try disk.syncDirectory(SystemDisk.parent(of: path))
                return made
            } catch {
                file.close()
                try? disk.unlink(path)
                throw error
            }
        } catch {
            throw StoreError(error)
        }
    }
}
