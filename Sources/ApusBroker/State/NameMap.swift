// Things by their names, found by the bytes of a name as they stand in a request, so that a lookup
// on the way of a message makes no string.
//
// Built once and never changed: a table that changes builds another, which costs less than saving
// it.

import ApusFormat

/// Something with a name.
protocol Named: AnyObject, Sendable {
    var name: String { get }
}

/// An immutable map from names to things. A class, so that a look-up retains one object, and not
/// each of its arrays.
final class NameMap<Entry: Named>: Sendable {
    /// Indices into `entries`, by the hash of the name; open addressing, a power of two long.
    private let slots: [Int32]
    private let names: [[UInt8]]
    let entries: [Entry]

    /// No two entries have the same name.
    init(_ entries: [Entry]) {
        self.entries = entries
        names = entries.map { Array($0.name.utf8) }
        var count = 16
        while count < entries.count * 2 { count *= 2 }
        var slots = [Int32](repeating: -1, count: count)
        for (index, name) in names.enumerated() {
            var slot = Self.hash(name.rawSpan) & (count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (count - 1) }
            slots[slot] = Int32(index)
        }
        self.slots = slots
    }

    subscript(name: String) -> Entry? {
        let utf8 = name.utf8
        // Safe: every bit pattern of a byte is one.
        return unsafe self[utf8: utf8.span.bytes]
    }

    /// The entry whose name is these bytes of UTF-8.
    subscript(utf8 name: RawSpan) -> Entry? {
        var slot = Self.hash(name) & (slots.count - 1)
        while slots[slot] >= 0 {
            let index = Int(slots[slot])
            let candidate = names[index]
            if candidate.rawSpan.isEqual(to: name) { return entries[index] }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    // Peers choose names, so the hash is seeded for each process.
    private static func hash(_ name: RawSpan) -> Int {
        var hash = nameSeed
        for offset in name.byteOffsets {
            let byte = name.loadBigEndian(UInt8.self, at: offset)
            hash = (hash ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        return Int(truncatingIfNeeded: (hash &* nameSeed) >> 32)
    }
}

/// What the hashes of this process begin with.
private let nameSeed = UInt64.random(in: .min ... .max) | 1
