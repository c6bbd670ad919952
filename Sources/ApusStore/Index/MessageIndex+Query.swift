// Finding messages by key: candidates come from hashes, the record's own keys decide.

import ApusFormat
import Synchronization

extension MessageIndex {
    /// Where the newest records of `topic` with `key` begin, at most `limit`, newest first.
    /// `isUnique` looks at UNIQ_KEY only.
    func find(
        topic: String, key: String, between times: ClosedRange<Int64>, limit: Int, isUnique: Bool
    ) throws(StoreError) -> [RecordLease] {
        guard limit > 0 else { return [] }
        let topicBytes = Array(topic.utf8)
        let keyBytes = Array(key.utf8)
        let hash = IndexKey.hash(topic: topicBytes.rawSpan, key: keyBytes.rawSpan)
        return try state.withLock { state throws(StoreError) in
            var seen = Set<Int64>()
            var found: [RecordLease] = []
            for file in state.files.reversed() {
                let header = file.header
                guard header.nextEntry > 1, header.endTimestamp &+ 999 >= times.lowerBound else {
                    continue
                }
                try file.candidates(hash: hash, between: times) { (offset) throws(StoreError) in
                    guard seen.insert(offset).inserted, let lease = try self.lease(at: offset)
                    else {
                        return true
                    }
                    let isWanted = lease.withRecord { record in
                        times.contains(record.storeTimestamp)
                            && record.topic.isEqual(to: topicBytes.rawSpan)
                            && Self.has(record, keyBytes.rawSpan, isUnique: isUnique)
                    }
                    if isWanted { found.append(lease) }
                    return found.count < limit
                }
                if found.count >= limit { break }
            }
            return found
        }
    }

    /// The record at an offset that an index entry names; nil when the log no longer, or not yet,
    /// holds it, or when the entry is wrong.
    private func lease(at offset: Int64) throws(StoreError) -> RecordLease? {
        do throws(StoreError) {
            return try log.record(at: offset)
        } catch {
            switch error {
            case .physicalOffsetOutOfRange, .noRecord, .damagedRecord: return nil
            default: throw error
            }
        }
    }

    private static func has(
        _ record: RecordView, _ key: RawSpan, isUnique: Bool
    ) -> Bool {
        let properties = record.properties
        let scan = PropertyScan(properties)
        let unique = properties.extracting(scan.uniqueKey)
        if unique.isEqual(to: key) { return true }
        guard !isUnique else { return false }
        let keys = properties.extracting(scan.keys)
        return KeyWords.ranges(in: keys).contains { keys.extracting($0).isEqual(to: key) }
    }
}
