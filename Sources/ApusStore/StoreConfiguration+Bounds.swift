// How large the numbers in settings may be, so that no sum or product of them overflows.

extension StoreConfiguration {
    /// 34 years in milliseconds: in nanoseconds still far from where a clock ends.
    private static let longestMilliseconds: Int64 = 1 << 40
    /// Far more bytes than a file has.
    private static let largestByteCount = 1 << 40

    /// Fails with `.invalidConfiguration` when a time, a length or a number is negative or absurd.
    /// (`syncTimeoutMilliseconds` may be any: it is only ever turned into a moment.)
    func checkBounds() throws(StoreError) {
        for (key, milliseconds) in [
            ("flushIntervalCommitLog", flush.intervalMilliseconds),
            ("flushCommitLogThoroughInterval", flush.thoroughIntervalMilliseconds),
            ("flush.markIntervalMilliseconds", flush.markIntervalMilliseconds),
            ("flushIntervalConsumeQueue", queues.flushIntervalMilliseconds),
            ("flushConsumeQueueThoroughInterval", queues.thoroughIntervalMilliseconds),
            ("cleanResourceInterval", retention.intervalMilliseconds),
            ("deleteCommitLogFilesInterval", retention.deleteIntervalMilliseconds),
        ] { try Self.check(key, milliseconds, upTo: Self.longestMilliseconds) }
        try Self.check(
            "fileReservedTime", retention.reservedHours, upTo: Self.longestMilliseconds / 3_600_000)
        for (key, count) in [
            ("flushCommitLogLeastPages", flush.leastPages),
            ("flushConsumeQueueLeastPages", queues.flushLeastPages),
            ("queues.thoroughByteCount", queues.thoroughByteCount),
            ("queues.extentByteCount", queues.extentByteCount),
            ("queues.mappedFileLimit", queues.mappedFileLimit),
            ("commitLog.populateAheadByteCount", commitLog.populateAheadByteCount),
            ("deleteFileBatchMax", retention.deleteBatchLimit),
        ] { try Self.check(key, Int64(count), upTo: Int64(Self.largestByteCount)) }
    }

    private static func check(
        _ key: String, _ value: Int64, upTo limit: Int64
    ) throws(StoreError) {
        guard value >= 0, value <= limit else {
            throw .invalidConfiguration(key: key, reason: "\(value) is not from 0 to \(limit)")
        }
    }
}
