// Finding messages by key in the index of a store that is not open.

private import ApusFormat
package import ApusSystem

/// Queries all IndexFiles by following their chains.
package struct KeySearch {
    private let disk: any Disk
    private let files: [FoundFile]
    private let slots: Int32?

    package init(_ disk: any Disk, _ files: StoreFiles, slots: Int32? = nil) {
        self.disk = disk
        self.files = files.index
        self.slots = slots
    }

    /// Physical offsets of the messages that may have the key, ascending, and the largest physical
    /// offset that any IndexFile holds; nil when one of the files cannot be relied on.
    package func candidates(
        topic: String, key: String
    ) throws(DiskError) -> (offsets: [Int64], lastIndexed: Int64)? {
        let hash = Self.hash(topic: topic, key: key)
        var offsets: Set<Int64> = []
        var last: Int64 = -1
        for file in files {
            guard let shape = IndexShape(byteCount: file.byteCount, slots: slots),
                let reader = try IndexReader(disk, file, shape, windowByteCount: 4096)
            else { return nil }
            try reader.follow(hash) { offset in
                offsets.insert(offset)
                return true
            }
            last = max(last, reader.header.endPhysicalOffset)
        }
        return (offsets.sorted(), last)
    }

    private static func hash(topic: String, key: String) -> Int32 {
        let topic = Topic(name: topic)
        let key = Topic(name: key)
        return withExtendedLifetime((topic, key)) {
            let topicBytes = topic.bytes
            let keyBytes = key.bytes
            return IndexKey.hash(topic: topicBytes.bytes, key: keyBytes.bytes)
        }
    }

    /// Whether a record really has the key: as its unique key or as a word of its keys.
    package static func matches(_ record: borrowing LogRecord, topic: String, key: String) -> Bool {
        // By bytes: to Swift's strings, two spellings of an accent are equal.
        guard record.topicName.utf8.elementsEqual(topic.utf8) else { return false }
        let unique = record.property(PropertyName.uniqueKey) ?? ""
        if unique.utf8.elementsEqual(key.utf8) { return true }
        let keys = record.property(PropertyName.keys) ?? ""
        return keys.utf8.split(separator: UInt8(ascii: " "))
            .contains { $0.elementsEqual(key.utf8) }
    }
}
