// What a record's properties say to its ConsumeQueue and to the index, read in one pass.

import ApusFormat

/// Where the properties that matter stand, and the values that follow from them.
package struct RecordTraits {
    private var tags: Range<Int>?
    private var keys: Range<Int>?
    private var uniqueKey: Range<Int>?
    private var delay: Range<Int>?
    private var innerCount: Range<Int>?
    private var multiDispatch: Range<Int>?
    private var multiOffsets: Range<Int>?

    package init(_ record: borrowing LogRecord) {
        let properties = record.properties
        var found = RecordTraits()
        Properties.forEach(in: properties) { name, value in
            // Most names have another length than any of these.
            switch name.count {
            case 4:
                switch properties.loadBigEndian(UInt32.self, at: name.lowerBound) {
                case 0x5441_4753: found.tags = value  // TAGS
                case 0x4B45_5953: found.keys = value  // KEYS
                default: break
                }
            case 5, 8, 9, 20, 24:
                switch String(decodingUTF8: properties.extracting(name)) {
                case PropertyName.delayLevel: found.delay = value
                case PropertyName.uniqueKey: found.uniqueKey = value
                case PropertyName.innerCount: found.innerCount = value
                case PropertyName.innerMultiDispatch: found.multiDispatch = value
                case PropertyName.innerMultiQueueOffset: found.multiOffsets = value
                default: break
                }
            default: break
            }
        }
        self = found
    }

    private init() {}

    /// Java's hash of the tags; 0 for none.
    package func tagsHash(in record: borrowing LogRecord) -> Int64 {
        tags.map { TagsCode.code(tags: record.properties.extracting($0)) } ?? 0
    }

    /// The delay level; nil when there is none or it is no number.
    package func delayLevel(in record: borrowing LogRecord) -> Int? {
        text(delay, in: record).flatMap { Int($0) }
    }

    /// Messages in the record.
    package func messageCount(in record: borrowing LogRecord) -> Int64 {
        guard record.frame.systemFlag.contains(.innerBatch),
            let count = text(innerCount, in: record).flatMap({ Int64($0) })
        else { return 1 }
        return max(1, min(count, Int64(Int16.max)))
    }

    /// Further queues that the record belongs to, with its offset in each.
    package func furtherQueues(
        in record: borrowing LogRecord
    ) -> [(topic: String, queueID: Int32, queueOffset: Int64)] {
        guard let names = text(multiDispatch, in: record),
            let offsets = text(multiOffsets, in: record)
        else { return [] }
        let queueID = record.queueID
        return zip(names.split(separator: ","), offsets.split(separator: ",")).compactMap {
            name, offset in
            // Light queues have one queue each.
            Int64(offset).map { (String(name), name.hasPrefix("%LMQ%") ? 0 : queueID, $0) }
        }
    }

    /// Puts the hashes under which the index has the record into `hashes`: of its unique key, then
    /// of each word of its keys. A rolled-back half has none.
    package func keyHashes(of record: borrowing LogRecord, into hashes: inout [Int32]) {
        hashes.removeAll(keepingCapacity: true)
        guard record.frame.systemFlag.transaction != .rollback else { return }
        let topic = record.topic
        let properties = record.properties
        if let uniqueKey {
            hashes.append(IndexKey.hash(topic: topic, key: properties.extracting(uniqueKey)))
        }
        guard let keys else { return }
        var start = keys.lowerBound
        for place in keys.lowerBound...keys.upperBound {
            let isEnd = place == keys.upperBound
            guard isEnd || properties.loadBigEndian(UInt8.self, at: place) == 0x20 else { continue }
            if place > start {
                hashes.append(
                    IndexKey.hash(topic: topic, key: properties.extracting(start..<place)))
            }
            start = place + 1
        }
    }

    private func text(_ range: Range<Int>?, in record: borrowing LogRecord) -> String? {
        range.map { String(decodingUTF8: record.properties.extracting($0)) }
    }
}
