// Entries of queues: each is read, stored again, and must have the same bytes.

import ApusFormat

enum QueueTarget {
    static func run(_ input: RawSpan) throws(FuzzFinding) {
        let bytes = [UInt8](input)
        let count = ConsumeQueueUnit.byteCount
        for offset in stride(from: 0, through: bytes.count - count, by: count) {
            let unit = ConsumeQueueUnit(loadingFrom: input, at: offset)
            try expectEqual(
                [unit.physicalOffset, Int64(unit.size), unit.tagsCode],
                [
                    bytes.number(at: offset, count: 8), bytes.number(at: offset + 8, count: 4),
                    bytes.number(at: offset + 12, count: 8),
                ], "the parts of an entry")
            var stored = [UInt8](repeating: 0xEE, count: count)
            var span = stored.mutableRawSpan
            unit.store(into: &span, at: 0)
            try expect(
                stored == Array(bytes[offset..<offset + count]), "an entry that is stored differs")
            try expectEqual(
                unit.isWritten, bytes[offset] < 0x80 && unit.size > 0, "whether it is written")
            try expect(!unit.isFiller || unit.isWritten, "a filler counts as written")
        }
        try batchUnits(input, bytes)
    }

    private static func batchUnits(_ input: RawSpan, _ bytes: [UInt8]) throws(FuzzFinding) {
        let count = BatchConsumeQueueUnit.byteCount
        for offset in stride(from: 0, through: bytes.count - count, by: count) {
            let unit = BatchConsumeQueueUnit(loadingFrom: input, at: offset)
            try expectEqual(
                [
                    unit.physicalOffset, Int64(unit.size), unit.tagsCode, unit.storeTimestamp,
                    unit.firstQueueOffset, Int64(unit.messageCount), Int64(unit.compactedOffset),
                ],
                [(0, 8), (8, 4), (12, 8), (20, 8), (28, 8), (36, 2), (38, 4)].map {
                    bytes.number(at: offset + $0.0, count: $0.1)
                }, "the parts of a batch entry")
            var stored = [UInt8](repeating: 0xEE, count: count)
            var span = stored.mutableRawSpan
            unit.store(into: &span, at: 0)
            // The last four bytes mean nothing and are written as zeros.
            try expect(
                stored == Array(bytes[offset..<offset + 42]) + [0, 0, 0, 0],
                "a batch entry that is stored differs")
            _ = unit.isWritten
        }
    }
}
