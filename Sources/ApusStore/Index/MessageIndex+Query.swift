// Finding messages by key: candidates come from hashes, the record's own keys decide.

import ApusFormat
import Synchronization

extension MessageIndex {
    /// Indexes everything that was published. Answers the stretch for which the disk has no room
    /// now: a query goes on, and reads that one record by record.
    func catchUpForQuery() throws(StoreError) -> Range<Int64>? {
        do throws(StoreError) {
            try catchUp()
            return nil
        } catch {
            guard case .diskFull = error else { throw error }
            return log.keyed.range
        }
    }

    /// Where the newest records of `topic` with `key` begin, at most `limit`, newest first.
    /// `isUnique` looks at UNIQ_KEY only; `behind` is not in the index.
    func find(
        topic: String, key: String, between times: ClosedRange<Int64>, limit: Int, isUnique: Bool,
        behind: Range<Int64>?
    ) throws(StoreError) -> [RecordLease] {
        guard limit > 0 else { return [] }
        let topicBytes = Array(topic.utf8)
        let keyBytes = Array(key.utf8)
        let hash = IndexKey.hash(topic: topicBytes.rawSpan, key: keyBytes.rawSpan)
        func isWanted(_ record: RecordView) -> Bool {
            times.contains(record.storeTimestamp)
                && record.topic.isEqual(to: topicBytes.rawSpan)
                && Self.has(record, keyBytes.rawSpan, isUnique: isUnique)
        }
        return try state.withLock { state throws(StoreError) in
            var seen = Set<Int64>()
            var found: [RecordLease] = []
            if let behind {
                var places: [Int64] = []
                try log.scan(behind, checks: .position) { (record) throws(StoreError) in
                    if isWanted(record) { places.append(record.physicalOffset) }
                }
                for offset in places.suffix(limit).reversed() where seen.insert(offset).inserted {
                    if let lease = try lease(at: offset) { found.append(lease) }
                }
            }
            for file in state.files.reversed() where found.count < limit {
                let header = file.header
                guard header.nextEntry > 1, header.endTimestamp &+ 999 >= times.lowerBound else {
                    continue
                }
                try file.candidates(hash: hash, between: times) { (offset) throws(StoreError) in
                    guard seen.insert(offset).inserted, let lease = try self.lease(at: offset)
                    else {
                        return true
                    }
                    if lease.withRecord({ isWanted($0) }) { found.append(lease) }
                    return found.count < limit
                }
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
