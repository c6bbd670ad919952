// The file `checkpoint` and the marker `abort`.
//
// First byte: bits 0 and 1 mend the CRC of slot 0 and 1, bits 2 and 3 put RocketMQ's fields into
// them, bit 4 cuts the file short, bit 5 takes the input for the text of `abort` instead.

import ApusFormat
import ApusStore
import ApusSystem

enum CheckpointTarget {
    private static let slotFieldsByteCount = 124

    static func run(_ input: [UInt8], _ scratch: FuzzScratch) throws(FuzzFinding) {
        var reader = ByteReader(input)
        let options = reader.byte()
        if options & 32 != 0 { return try abort(reader.rest()) }
        var file = [UInt8](repeating: 0, count: CheckpointLayout.fileByteCount)
        let fields = reader.padded(CheckpointFields.byteCount)
        file.replaceSubrange(0..<fields.count, with: fields)
        for slot in 0...1 {
            var bytes = reader.padded(slotFieldsByteCount)
            if options & (4 << UInt8(slot)) != 0 {
                bytes.replaceSubrange(72..<112, with: fields)
                bytes.replaceSubrange(0..<12, with: Array("APUSMARK".utf8) + [0, 0, 0, 1])
            }
            if options & (1 << UInt8(slot)) != 0 {
                bytes.put(NaiveRecord.crc32(Array(bytes[..<120])), at: 120)
            }
            let start = CheckpointLayout.slotOffset(slot)
            file.replaceSubrange(start..<start + bytes.count, with: bytes)
        }
        if options & 16 != 0 { file.removeLast(1 + Int(reader.integer(UInt16.self) % 4096)) }
        try check(file)
        try scratch.write(file, to: "checkpoint")
        do {
            let read = try Checkpoint.read(scratch.disk, "\(scratch.path)/checkpoint")
            let current = DurableMark.current(in: file.rawSpan)
            try expectEqual(read.mark, current, "the mark read from a file")
            if let mark = read.mark {
                let newest = read.newestMark?.generation ?? .min
                try expect(newest >= mark.generation, "the newest mark is older than another")
            }
        } catch let error as FuzzFinding {
            throw error
        } catch {
            throw FuzzFinding("reading: \(error)")
        }
    }

    private static func check(_ file: [UInt8]) throws(FuzzFinding) {
        if file.count >= CheckpointFields.byteCount {
            let fields = CheckpointFields(loadingFrom: file.rawSpan)
            var stored = [UInt8](repeating: 0xEE, count: CheckpointFields.byteCount)
            var span = stored.mutableRawSpan
            fields.store(into: &span)
            try expect(stored == Array(file.prefix(40)), "fields that are stored differ")
            try expect(fields.scanTimestamp >= 0, "a scan begins after 1970")
        }
        var best: DurableMark?
        for slot in 0...1 {
            let start = CheckpointLayout.slotOffset(slot)
            let bytes = Array(file.dropFirst(start).prefix(CheckpointLayout.slotByteCount))
            let mark = DurableMark(loadingFrom: bytes.rawSpan)
            try expectEqual(mark != nil, isWhole(bytes), "whether slot \(slot) counts")
            guard let mark else { continue }
            var again = [UInt8](repeating: 0xEE, count: CheckpointLayout.slotByteCount)
            var span = again.mutableRawSpan
            mark.store(into: &span)
            let loaded = DurableMark(loadingFrom: again.rawSpan)
            try expectEqual(loaded, mark, "a mark that is stored and loaded")
            // Unknown flags are dropped, and with them the CRC differs.
            if bytes[56..<60].elementsEqual([0, 0, 0, mark.isClean ? 1 : 0]) {
                try expect(
                    again.prefix(124).elementsEqual(bytes.prefix(124)),
                    "a mark that is stored differs")
            }
            if file.count == CheckpointLayout.fileByteCount,
                bytes[72..<112].elementsEqual(file[..<40]),
                best.map({ $0.generation < mark.generation }) ?? true
            {
                best = mark
            }
        }
        let current = DurableMark.current(in: file.rawSpan)
        try expectEqual(current, best, "the mark that counts")
    }

    private static func isWhole(_ slot: [UInt8]) -> Bool {
        slot.count == CheckpointLayout.slotByteCount
            && slot.starts(with: Array("APUSMARK".utf8) + [0, 0, 0, 1])
            && UInt32(truncatingIfNeeded: slot.number(at: 120, count: 4))
                == NaiveRecord.crc32(Array(slot[..<120]))
    }

    private static func abort(_ text: [UInt8]) throws(FuzzFinding) {
        let epoch = AbortMarker.epoch(in: text.rawSpan)
        let lines = text.split(separator: 10, omittingEmptySubsequences: false)
        if let epoch {
            try expect(
                lines.count == 3 && lines[1].elementsEqual("apus \(epoch)".utf8),
                "epoch \(epoch) is not in the text")
        }
        var reader = ByteReader(text)
        let wanted = reader.integer(Int64.self)
        let written = AbortMarker.text(processID: reader.integer(), epoch: wanted)
        let read = AbortMarker.epoch(in: written.rawSpan)
        try expectEqual(read, wanted, "the epoch of our marker")
        let half = Array(written.dropLast())
        let found = AbortMarker.epoch(in: half.rawSpan)
        try expect(found == nil, "half a marker has an epoch")
    }
}
