// What the store changes in the properties it is handed: almost nothing.

import ApusFormat

/// Properties as they go into a record.
enum StoredProperties {
    /// The properties without any `__CRC32#`: only the store may write one, over its own record.
    static func withoutChecksum(_ bytes: RawSpan) -> [UInt8] {
        let name = Array("__CRC32#".utf8)
        var kept: [UInt8] = []
        var item: [UInt8] = []
        for offset in bytes.byteOffsets {
            let byte = bytes.loadBigEndian(UInt8.self, at: offset)
            item.append(byte)
            guard byte == 2 || offset == bytes.byteCount - 1 else { continue }
            if !item.starts(with: name) { kept += item }
            item.removeAll(keepingCapacity: true)
        }
        return kept
    }
}
