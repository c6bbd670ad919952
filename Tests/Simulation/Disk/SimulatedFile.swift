// A file twice: what programs see, and what the device holds.
//
// Programs store into `working`, through mappings too, so no store is seen when it happens. A
// sector is dirty when its bytes differ from those that the kernel believes to be on the device.
// As a rule that is what the device holds; after a failed sync it is not, and `believed` keeps it.

import ApusSystem
import Glibc
import TestSupport

/// One file of a simulated disk. Touched by the one thread that steps the simulation.
final class SimulatedFile: @unchecked Sendable {
    // Sendable: a simulation is stepped by one thread.
    static let sector = 512
    static let block = 4096

    private(set) var working: MappedBytes
    private var durable: MappedBytes
    private var believed: MappedBytes?
    private(set) var length = 0
    private(set) var durableLength = 0
    /// Blocks with room on the device.
    private(set) var allocated = Set<Int>()
    private var mappings = 0
    var isLocked = false

    init(capacity: Int = 0) {
        working = .allocate(count: capacity, alignment: Self.block)
        durable = .allocate(count: capacity, alignment: Self.block)
    }

    deinit {
        working.deallocate()
        durable.deallocate()
        believed?.deallocate()
    }

    private var capacity: Int { working.count }

    private func reserve(_ count: Int) {
        guard count > capacity else { return }
        precondition(mappings == 0, "a mapped file grew")
        let capacity = max(count, 2 * capacity, Self.sector)
        working = Self.grown(working, to: capacity)
        durable = Self.grown(durable, to: capacity)
        believed = believed.map { Self.grown($0, to: capacity) }
    }

    private static func grown(_ old: MappedBytes, to capacity: Int) -> MappedBytes {
        let new = MappedBytes.allocate(count: capacity, alignment: block)
        copy(0..<old.count, from: old, to: new)
        old.deallocate()
        return new
    }

    func mapped(count: Int) -> MappedBytes {
        mappings += 1
        return working.prefix(count)
    }

    func unmapped() { mappings -= 1 }
}

// MARK: - What programs do

extension SimulatedFile {
    func write(_ bytes: RawSpan, at offset: Int) {
        setLength(max(length, offset + bytes.byteCount))
        allocate(offset..<offset + bytes.byteCount)
        working.withMutable(in: offset..<offset + bytes.byteCount) { target in
            target.withUnsafeMutableBytes { to in bytes.withUnsafeBytes { to.copyMemory(from: $0) }
            }
        }
    }

    func read(into bytes: inout MutableRawSpan, at offset: Int) -> Int {
        let count = max(0, min(bytes.byteCount, length - offset))
        guard count > 0 else { return 0 }
        let source = working.bytes(in: offset..<offset + count)
        bytes.withUnsafeMutableBytes { to in source.withUnsafeBytes { to.copyMemory(from: $0) } }
        return count
    }

    func setLength(_ count: Int) {
        reserve(count)
        if count < length { Self.zero(count..<length, of: working) }
        length = count
        allocated = allocated.filter { $0 * Self.block < count }
    }

    func allocate(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        if range.upperBound > length { setLength(range.upperBound) }
        for block in range.lowerBound / Self.block...(range.upperBound - 1) / Self.block {
            allocated.insert(block)
        }
    }

    func zero(_ range: Range<Int>) { Self.zero(range, of: working) }

    /// The first stretch that holds anything but zeros, in sectors.
    func data(from offset: Int) -> Range<Int>? {
        guard offset < length, let first = sectors(from: offset).first(where: { !isZero($0) })
        else { return nil }
        let rest = sectors(from: first.upperBound).prefix { !isZero($0) }
        return max(offset, first.lowerBound)..<(rest.last ?? first).upperBound
    }

    private func isZero(_ range: Range<Int>) -> Bool {
        working.bytes(in: range).withUnsafeBytes { bytes in bytes.allSatisfy { $0 == 0 } }
    }

    private func sectors(from offset: Int) -> some Sequence<Range<Int>> {
        stride(from: offset / Self.sector * Self.sector, to: length, by: Self.sector).lazy
            .map { [length] in $0..<min(length, $0 + Self.sector) }
    }
}

// MARK: - What the kernel does

extension SimulatedFile {
    /// Sectors that a sync would write.
    private func dirty() -> [Range<Int>] {
        let kernel = believed ?? durable
        return sectors(from: 0).filter { !Self.isEqual($0, working, kernel) }
    }

    private func writeBack(_ sectors: some Sequence<Range<Int>>) {
        for sector in sectors {
            Self.copy(sector, from: working, to: durable)
            if let believed { Self.copy(sector, from: working, to: believed) }
        }
    }

    /// Some dirty sectors reach the device, as the kernel writes them on its own account.
    func writeBackSome(
        _ numbers: inout SeededNumbers, percent: Int, of range: Range<Int>? = nil
    ) {
        writeBack(
            dirty().filter {
                range?.overlaps($0) ?? true && Int.random(in: 0..<100, using: &numbers) < percent
            })
    }

    func sync() {
        writeBack(dirty())
        durableLength = length
    }

    /// The sectors of `range` alone, and the length that it needs.
    func sync(_ range: Range<Int>) {
        writeBack(dirty().filter { $0.overlaps(range) })
        durableLength = max(durableLength, min(length, range.upperBound))
    }

    func syncLength() { durableLength = length }

    /// A sync that fails: some sectors are written; all count as written from now on.
    func failSync(_ numbers: inout SeededNumbers, of range: Range<Int>? = nil) {
        let dirty = dirty().filter { range?.overlaps($0) ?? true }
        if believed == nil {
            let copy = MappedBytes.allocate(count: capacity, alignment: Self.block)
            Self.copy(0..<capacity, from: durable, to: copy)
            believed = copy
        }
        guard let believed else { return }
        for sector in dirty {
            if Bool.random(using: &numbers) { Self.copy(sector, from: working, to: durable) }
            Self.copy(sector, from: working, to: believed)
        }
    }

    /// The pages of `range` count as dirty, whatever the kernel believed of them.
    func makeDirty(_ range: Range<Int>) {
        guard let believed, !range.isEmpty else { return }
        let pages =
            range.lowerBound / Self.block
            * Self.block..<min(
                length, (range.upperBound + Self.block - 1) / Self.block * Self.block)
        // What the device holds is what differs from the pages, if anything does.
        Self.copy(pages, from: durable, to: believed)
    }

    /// The file as it is after the power was cut: of each sector one of its versions.
    func afterPowerCut(_ cut: PowerCut, _ numbers: inout SeededNumbers) -> SimulatedFile {
        let file = SimulatedFile(capacity: max(length, durableLength))
        let keepsLength = length == durableLength || Bool.random(using: &numbers)
        file.length = keepsLength ? length : durableLength
        file.durableLength = file.length
        Self.copy(0..<min(file.length, durable.count), from: durable, to: file.working)
        let kernel = believed ?? durable
        var page = -1
        var takesPage = false
        for sector in sectors(from: 0) where sector.lowerBound < file.length {
            guard !Self.isEqual(sector, working, kernel) else { continue }
            if cut.tearsPages || page != sector.lowerBound / Self.block {
                page = sector.lowerBound / Self.block
                takesPage = Int.random(in: 0..<100, using: &numbers) < cut.percentWritten
            }
            guard takesPage else { continue }
            let kept = sector.lowerBound..<min(sector.upperBound, file.length)
            Self.copy(kept, from: working, to: file.working)
        }
        Self.copy(0..<file.length, from: file.working, to: file.durable)
        file.allocated = allocated
        return file
    }

    /// Bytes that were stored where no room was made: a full disk would have killed the process.
    func storedWithoutRoom() -> Int? {
        sectors(from: 0).first {
            !allocated.contains($0.lowerBound / Self.block) && !isZero($0)
        }?.lowerBound
    }
}

// MARK: - Bytes

extension SimulatedFile {
    private static func copy(_ range: Range<Int>, from source: MappedBytes, to target: MappedBytes)
    {
        guard !range.isEmpty else { return }
        let bytes = source.bytes(in: range)
        target.withMutable(in: range) { span in
            span.withUnsafeMutableBytes { to in bytes.withUnsafeBytes { to.copyMemory(from: $0) } }
        }
    }

    private static func zero(_ range: Range<Int>, of target: MappedBytes) {
        target.withMutable(in: range) { span in
            span.withUnsafeMutableBytes { bytes in
                for index in bytes.indices { bytes[index] = 0 }
            }
        }
    }

    private static func isEqual(_ range: Range<Int>, _ one: MappedBytes, _ other: MappedBytes)
        -> Bool
    {
        one.bytes(in: range).withUnsafeBytes { left in
            other.bytes(in: range).withUnsafeBytes { right in
                guard let one = left.baseAddress, let other = right.baseAddress else { return true }
                return memcmp(one, other, range.count) == 0
            }
        }
    }
}
