// The third field of a ConsumeQueue entry, as RocketMQ fills it in.

import ApusFormat

/// RocketMQ's delay levels, for the queues of `SCHEDULE_TOPIC_XXXX`.
enum DelayLevels {
    /// `messageDelayLevel`: "1s 5s 10s 30s 1m … 10m 20m 30m 1h 2h", in milliseconds, from level 1.
    static let milliseconds: [Int64] =
        [1, 5, 10, 30].map { $0 * 1_000 }
        + [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 60, 120].map { $0 * 60_000 }
}

extension ConsumeQueue {
    /// The hash of the tags or, in the schedule topic, when the message is to be delivered.
    @inline(__always)
    func tagsCode(
        _ properties: RawSpan, _ scan: PropertyScan, storeTimestamp: Int64
    ) -> Int64 {
        if topic.isSchedule, !scan.delay.isEmpty {
            return deliveryTime(properties.extracting(scan.delay), storeTimestamp: storeTimestamp)
        }
        if scan.tags.isEmpty { return 0 }
        return TagsCode.code(tags: properties.extracting(scan.tags))
    }

    /// Levels above the highest count as the highest; what is not a level counts as a second, as in
    /// `ScheduleMessageService.computeDeliverTimestamp`.
    private func deliveryTime(_ level: RawSpan, storeTimestamp: Int64) -> Int64 {
        let highest = DelayLevels.milliseconds.count
        guard let number = Int(String(decodingUTF8: level)), number > 0 else {
            return storeTimestamp + 1_000
        }
        return storeTimestamp + DelayLevels.milliseconds[min(number, highest) - 1]
    }
}
