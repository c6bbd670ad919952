// The third field of a ConsumeQueue entry, as RocketMQ fills it in.

import ApusFormat

extension ConsumeQueue {
    /// The hash of the tags or, in the schedule topic, when the message is to be delivered.
    @inline(__always)
    func tagsCode(
        _ properties: RawSpan, _ scan: PropertyScan, storeTimestamp: Int64
    ) -> Int64 {
        if topic.isSchedule, !scan.delay.isEmpty,
            let level = Int(String(decodingUTF8: properties.extracting(scan.delay))),
            let time = DelayLevels.deliveryTime(level: level, storeTimestamp: storeTimestamp)
        {
            return time
        }
        if scan.tags.isEmpty { return 0 }
        return TagsCode.code(tags: properties.extracting(scan.tags))
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
