// Settings with any numbers in them: they are refused with a reason, or a store opens with them.

import ApusFormat
import ApusStore
import ApusSystem

enum ConfigurationTarget {
    static func run(_ input: [UInt8], _ scratch: FuzzScratch) throws(FuzzFinding) {
        var reader = ByteReader(input)
        let configuration = configuration(&reader)
        do throws(StoreError) {
            try configuration.validate()
        } catch {
            guard case .invalidConfiguration(let key, let reason) = error else {
                throw FuzzFinding("settings are refused for another reason: \(error)")
            }
            return try expect(!key.isEmpty && !reason.isEmpty, "a refusal says why")
        }
        // Only files that fit into memory many times.
        guard configuration.commitLog.segmentByteCount <= 64 << 10,
            configuration.queues.fileByteCount <= 64 << 10,
            configuration.index.slotCount <= 1000, configuration.index.entryCapacity <= 1000
        else { return }
        try scratch.empty()
        try use(configuration, scratch, body: reader.rest())
    }

    /// Numbers small, at the bounds, and any.
    private static func number(_ reader: inout ByteReader) -> Int64 {
        let kind = reader.byte()
        switch kind {
        case 0..<64: return Int64(kind)
        case 64..<96: return 1 << Int64(kind - 64)
        case 96..<128: return 1 << Int64(kind - 96) - 1
        case 128..<160: return Int64(kind - 128) * 4096
        case 160..<192: return Int64(kind - 160) * 20
        case 192: return .max
        case 193: return .min
        case 194: return -1
        default: return reader.integer()
        }
    }

    private static func configuration(_ reader: inout ByteReader) -> StoreConfiguration {
        var all = StoreConfiguration()
        let switches = reader.byte()
        all.commitLog.segmentByteCount = Int(number(&reader))
        all.commitLog.populateAheadByteCount = Int(number(&reader))
        all.commitLog.populatesWholeSegment = switches & 1 != 0
        all.flush.mode = switches & 2 != 0 ? .sync : .async
        all.flush.intervalMilliseconds = number(&reader)
        all.flush.leastPages = Int(number(&reader))
        all.flush.thoroughIntervalMilliseconds = number(&reader)
        all.flush.syncTimeoutMilliseconds = number(&reader)
        all.flush.wakesOnAppend = switches & 4 != 0
        all.flush.markIntervalMilliseconds = number(&reader)
        all.queues.fileByteCount = Int(number(&reader))
        all.queues.extentByteCount = Int(number(&reader))
        all.queues.flushIntervalMilliseconds = number(&reader)
        all.queues.flushLeastPages = Int(number(&reader))
        all.queues.thoroughIntervalMilliseconds = number(&reader)
        all.queues.thoroughByteCount = Int(number(&reader))
        all.queues.mappedFileLimit = Int(number(&reader))
        all.index.isEnabled = switches & 8 != 0
        all.index.slotCount = Int32(truncatingIfNeeded: number(&reader))
        all.index.entryCapacity = Int32(truncatingIfNeeded: number(&reader))
        all.limits.bodyByteCount = Int(number(&reader))
        all.integrity.appendsRecordChecksum = switches & 16 != 0
        all.integrity.requiresRecordChecksum = switches & 32 != 0
        all.retention.reservedHours = number(&reader)
        all.retention.deleteHours = [Int(number(&reader))]
        all.retention.maximumUsedPercent = Double(number(&reader))
        all.retention.forcibleUsedPercent = Double(number(&reader))
        all.retention.warningUsedPercent = Double(number(&reader))
        all.retention.intervalMilliseconds = number(&reader)
        all.retention.deleteBatchLimit = Int(number(&reader))
        all.retention.deleteIntervalMilliseconds = number(&reader)
        if switches & 64 != 0 {
            all.compression = CompressionSettings(
                algorithm: .lz4, level: Int(number(&reader)),
                thresholdByteCount: Int(number(&reader)))
        }
        all.threads = .manual
        return all
    }

    /// Whatever is accepted works: messages go in, agents take a step, messages come out.
    private static func use(
        _ configuration: StoreConfiguration, _ scratch: FuzzScratch, body: [UInt8]
    ) throws(FuzzFinding) {
        let time = TimeSource.manual(ManualClock(wallMilliseconds: 1_700_000_000_000))
        do throws(StoreError) {
            let store = try MessageStore.open(
                scratch.path, configuration, observer: nil, disk: scratch.disk, time: time)
            _ = store.guarantee
            var bodies: [[UInt8]] = []
            for count in 0..<4 {
                let part = Array(body.prefix(min(count * 8, configuration.limits.bodyByteCount)))
                let message = Message(topic: "T", body: part, tags: "t", keys: ["k"])
                do throws(StoreError) {
                    try store.append(message)
                    bodies.append(part)
                } catch {
                    // A disk that is fuller than its settings allow, or a record too large for it.
                    switch error {
                    case .diskFull, .recordTooLarge, .bodyTooLarge: break
                    default: throw error
                    }
                }
                for agent in store.agents { _ = agent.doWork() }
            }
            let queue = try store.queue(topic: "T")
            if store.physicalMinimum == 0 {
                let read = try store.read(queue, from: 0).messages().map(\.body)
                if read != bodies { throw StoreError.closed }
            }
            try store.close()
        } catch {
            throw FuzzFinding("\(configuration): \(error)")
        }
    }
}
