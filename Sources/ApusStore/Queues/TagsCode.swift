// The third field of a ConsumeQueue entry, as RocketMQ fills it in.

import ApusFormat

extension ConsumeQueue {
    /// The hash of the tags or, in the schedule topic, when the message is to be delivered.
    func tagsCode(
        _ properties: RawSpan, _ scan: PropertyScan, storeTimestamp: Int64
    ) -> Int64 {
        if topic.isSchedule, let time = deliveryTime(properties, scan, storeTimestamp) {
            return time
        }
        return scan.tags.isEmpty ? 0 : TagsCode.code(tags: properties.extracting(scan.tags))
    }

    @inline(never)
    private func deliveryTime(
        _ properties: RawSpan, _ scan: PropertyScan, _ storeTimestamp: Int64
    ) -> Int64? {
        guard !scan.delay.isEmpty,
            let level = Int(String(decodingUTF8: properties.extracting(scan.delay)))
        else { return nil }
        return DelayLevels.deliveryTime(level: level, storeTimestamp: storeTimestamp)
    }

    /// The entry that belongs to a record.
    func unit(for record: RecordView) -> ConsumeQueueUnit {
        let properties = record.properties
        return ConsumeQueueUnit(
            physicalOffset: record.physicalOffset,
            size: Int32(truncatingIfNeeded: record.frame.totalSize),
            tagsCode: tagsCode(
                properties, PropertyScan(properties), storeTimestamp: record.storeTimestamp))
    }
}
