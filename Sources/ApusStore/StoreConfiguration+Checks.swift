// What settings must obey, and what an acknowledgement means under them.

import ApusFormat

extension StoreConfiguration {
    /// Fails with `.invalidConfiguration`, naming RocketMQ's key, when settings contradict each
    /// other or lie outside of what the format can hold.
    package func validate() throws(StoreError) {
        let segment = commitLog.segmentByteCount
        try require(
            segment >= 4096 && segment <= 1 << 31 - 4096 && segment % 4096 == 0,
            "mappedFileSizeCommitLog",
            "\(segment) is not a multiple of 4096 from 4096 to \(1 << 31 - 4096)")
        try require(
            commitLog.zeroesAhead != true || writerKind == .pageAligned, "commitLog.zeroesAhead",
            "it prepares blocks for the page-aligned writer, and commitLog.writer is another")
        let queue = queues.fileByteCount
        try require(
            queue > 0 && queue <= 1 << 30 && queue % ConsumeQueueUnit.byteCount == 0,
            "mappedFileSizeConsumeQueue", "\(queue) is not a multiple of 20 from 20 to \(1 << 30)")
        try require(
            queues.extentByteCount >= ConsumeQueueUnit.byteCount, "queues.extentByteCount",
            "\(queues.extentByteCount) bytes hold no entry")
        try require(index.slotCount > 0, "maxHashSlotNum", "\(index.slotCount) is not positive")
        try require(index.entryCapacity > 1, "maxIndexNum", "\(index.entryCapacity) is below 2")
        try require(
            limits.bodyByteCount > 0 && limits.bodyByteCount <= 1 << 30, "maxMessageSize",
            "\(limits.bodyByteCount) is not from 1 to \(1 << 30)")
        try require(
            flush.intervalMilliseconds > 0, "flushIntervalCommitLog",
            "\(flush.intervalMilliseconds) is not positive")
        try require(
            flush.syncTimeoutMilliseconds > 0, "syncFlushTimeout",
            "\(flush.syncTimeoutMilliseconds) is not positive")
        try require(
            !integrity.requiresRecordChecksum || integrity.appendsRecordChecksum,
            "forceVerifyPropCRC",
            "it refuses records without a checksum, and enabledAppendPropCRC, which writes it, "
                + "is off"
        )
        try require(
            scrub.bytesPerSecond > 0, "scrub.bytesPerSecond",
            "\(scrub.bytesPerSecond) is not positive; scrub.isEnabled turns it off")
        try require(
            (0...1 << 30).contains(scrub.intervalHours), "scrub.intervalHours",
            "\(scrub.intervalHours) is not from 0 to \(1 << 30)")
        if let compression, let level = compression.level {
            let levels = BodyCompression.levels(compression.algorithm)
            try require(
                levels.contains(level), "compression.level",
                "\(level) is outside \(levels.lowerBound)...\(levels.upperBound)")
        }
        try retention.validate()
        try checkBounds()
    }
}

extension RetentionSettings {
    fileprivate func validate() throws(StoreError) {
        try require(
            deleteHours.allSatisfy { (0..<24).contains($0) }, "deleteWhen",
            "\(deleteHours.sorted()) are not hours of a day")
        try require(reservedHours >= 0, "fileReservedTime", "\(reservedHours) is negative")
        try require(
            maximumUsedPercent <= forcibleUsedPercent
                && forcibleUsedPercent <= warningUsedPercent,
            "diskMaxUsedSpaceRatio",
            "\(maximumUsedPercent), diskSpaceCleanForciblyRatio \(forcibleUsedPercent) and "
                + "diskSpaceWarningLevelRatio \(warningUsedPercent) do not ascend")
    }
}

private func require(
    _ holds: Bool, _ key: String, _ reason: @autoclosure () -> String
) throws(StoreError) {
    guard holds else { throw .invalidConfiguration(key: key, reason: reason()) }
}

extension MessageStore {
    /// What an acknowledgement means under these settings, on one line.
    public var guarantee: String {
        let flush = log.configuration.flush
        switch flush.mode {
        case .sync:
            return
                "SYNC_FLUSH: an acknowledged message is on the device and survives power loss, as "
                + "far as the device keeps what it said it wrote"
        case .async:
            let pages = flush.leastPages * 4
            return "ASYNC_FLUSH: an acknowledged message survives the process; power loss may take "
                + "the last \(flush.intervalMilliseconds) ms, or \(pages) KiB of the last "
                + "\(flush.thoroughIntervalMilliseconds) ms"
        }
    }
}
