// Entries of ConsumeQueues for whoever reads single messages: of any queue, in any order.

package import ApusFormat
package import ApusSystem

/// Reads entries of all queues; a bounded number of them is open at a time.
package final class EntryReader {
    private static let openLimit = 256

    private let disk: any Disk
    private let folders: [String: FoundQueue]
    private var open: [String: UnitFiles] = [:]

    package init(_ disk: any Disk, _ files: StoreFiles) {
        self.disk = disk
        folders = Dictionary(
            files.queues.map { ("\($0.topic)/\($0.queueID)", $0) }, uniquingKeysWith: { $1 })
    }

    /// The files of a queue; nil when it has none.
    package func units(topic: String, queueID: Int32) -> UnitFiles? {
        let name = "\(topic)/\(queueID)"
        if let units = open[name] { return units }
        guard let folder = folders[name], !folder.files.isEmpty else { return nil }
        if open.count >= Self.openLimit { open.removeAll() }
        let units = UnitFiles(disk, folder, unitByteCount: ConsumeQueueUnit.byteCount)
        open[name] = units
        return units
    }

    /// An entry; nil when no file holds it or nothing is written there.
    package func entry(
        topic: String, queueID: Int32, queueOffset: Int64
    ) throws(DiskError) -> ConsumeQueueUnit? {
        guard let units = units(topic: topic, queueID: queueID) else { return nil }
        let unit = try units.withUnit(queueOffset) { ConsumeQueueUnit(loadingFrom: $0, at: 0) }
        guard let unit, unit.isWritten, !unit.isFiller else { return nil }
        return unit
    }

    /// The tags code that a record's entry has; where there is none yet, the one that it will have.
    /// Nil for records that get no entry.
    package func tagsCode(of record: borrowing LogRecord) -> Int64? {
        guard record.frame.systemFlag.isDispatched else { return nil }
        let topic = record.topicName
        let entry = try? entry(
            topic: topic, queueID: record.queueID, queueOffset: record.queueOffset)
        if let entry = entry ?? nil, entry.physicalOffset == record.physicalOffset,
            entry.tagsCode > ConsumeQueueUnit.lastExtensionAddress
        {
            return entry.tagsCode
        }
        let traits = RecordTraits(record)
        if topic == DelayLevels.topic, let level = traits.delayLevel(in: record),
            let time = DelayLevels.deliveryTime(
                level: level, storeTimestamp: record.storeTimestamp)
        {
            return time
        }
        return traits.tagsHash(in: record)
    }
}
