// A file made of the input, read as an IndexFile: what is followed must be what a plain walk finds.
//
// First byte: the number of slots. The rest is the file; a second byte lets it have any length.

import ApusFormat
import ApusStore
import ApusSystem

enum IndexTarget {
    static func run(_ input: [UInt8], _ scratch: FuzzScratch) throws(FuzzFinding) {
        var reader = ByteReader(input)
        let slots = Int32(reader.byte() & 31)
        let isExact = reader.byte() & 1 == 0
        var file = reader.rest()
        _ = IndexShape(byteCount: file.count)
        _ = IndexShape(byteCount: file.count, slots: Int32(bitPattern: UInt32(file.count) << 24))
        if isExact {
            // As many whole entries as there are, at least one.
            let entries = max(1, (file.count - 40 - Int(slots) * 4 + 19) / 20)
            let count = IndexLayout.byteCount(slotCount: slots, entryCapacity: Int32(entries))
            file = Array(file.prefix(count))
            file += [UInt8](repeating: 0, count: count - file.count)
        }
        try checkParts(file, slots)
        try scratch.write(file, to: "index")
        let path = "\(scratch.path)/index"
        do {
            guard let shape = IndexShape(byteCount: file.count, slots: slots) else {
                return try expect(!isExact || slots == 0, "a whole file has no shape")
            }
            let found = FoundFile(
                path: path, first: 0, byteCount: file.count, allocatedByteCount: 0)
            guard
                let index = try IndexReader(scratch.disk, found, shape, windowByteCount: 256)
            else { throw FuzzFinding("a file of \(file.count) bytes is too short") }
            try check(index, file)
        } catch let error as FuzzFinding {
            throw error
        } catch {
            throw FuzzFinding("reading: \(error)")
        }
    }

    /// Header and entries: loaded, stored again, the same bytes.
    private static func checkParts(_ file: [UInt8], _ slots: Int32) throws(FuzzFinding) {
        guard file.count >= IndexLayout.headerByteCount else { return }
        var header = [UInt8](repeating: 0xEE, count: IndexLayout.headerByteCount)
        var span = header.mutableRawSpan
        IndexHeader(loadingFrom: file.rawSpan).store(into: &span)
        try expect(header == Array(file.prefix(40)), "a header that is stored differs")
        var number: Int32 = 0
        while IndexLayout.entryOffset(number + 1, slotCount: slots) <= file.count {
            let offset = IndexLayout.entryOffset(number, slotCount: slots)
            var entry = [UInt8](repeating: 0xEE, count: IndexLayout.entryByteCount)
            var span = entry.mutableRawSpan
            IndexEntry(loadingFrom: file.rawSpan, at: offset).store(into: &span, at: 0)
            try expect(
                entry == Array(file[offset..<offset + 20]), "an entry that is stored differs")
            number += 1
        }
    }

    private static func check(_ index: IndexReader, _ file: [UInt8]) throws {
        let slots = Int(index.shape.slotCount)
        let capacity = Int(index.shape.capacity)
        try expectEqual(40 + slots * 4 + capacity * 20, file.count, "the shape's length")
        try expect(
            index.countedEnd >= 1 && index.countedEnd <= index.shape.capacity,
            "the counted end lies within")
        for number in [-1, 0, Int32(capacity) - 1, Int32(capacity), .max, .min] {
            let entry = try index.entry(number)
            try expectEqual(
                entry != nil, number >= 0 && number < capacity, "whether entry \(number) is there")
        }
        var hashes: [Int32] = [0, -1, .max, .min]
        for number in 0..<min(capacity, 16) {
            let offset = 40 + slots * 4 + number * 20
            hashes.append(Int32(file.number(at: offset, count: 4)))
        }
        for hash in hashes {
            var found: [Int64] = []
            try index.follow(hash) { offset in
                found.append(offset)
                return true
            }
            try expectEqual(found, plain(hash, file, slots, capacity), "the chain of \(hash)")
        }
    }

    /// Follows a chain downwards.
    private static func plain(
        _ hash: Int32, _ file: [UInt8], _ slots: Int, _ capacity: Int
    ) -> [Int64] {
        guard hash >= 0 else { return [] }
        var found: [Int64] = []
        var number = Int(file.number(at: 40 + Int(hash) % slots * 4, count: 4))
        while number > 0, number < capacity {
            let offset = 40 + slots * 4 + number * 20
            if file.number(at: offset, count: 4) == Int64(hash) {
                found.append(file.number(at: offset + 4, count: 8))
            }
            let previous = Int(file.number(at: offset + 16, count: 4))
            if previous >= number { break }
            number = previous
        }
        return found
    }
}
