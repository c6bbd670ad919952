// The frames of a client's batch, one behind the other.

import ApusFormat

enum BatchTarget {
    static func run(_ input: RawSpan) throws(FuzzFinding) {
        let bytes = [UInt8](input)
        var offset = 0
        var again: [UInt8] = []
        while offset < bytes.count {
            let expected = plain(bytes, at: offset)
            let frame: ClientBatchFrame
            do throws(BatchDamage) {
                frame = try ClientBatch.frame(in: input, at: offset)
            } catch {
                try expect(expected == nil, "a whole frame at \(offset) is refused: \(error)")
                break
            }
            try expectEqual(
                [
                    frame.body.lowerBound, frame.body.upperBound, frame.properties.lowerBound,
                    frame.properties.upperBound, frame.end,
                ], expected ?? [], "where the parts of a frame stand")
            ClientBatch.encode(
                flag: frame.flag, body: input.extracting(frame.body),
                properties: input.extracting(frame.properties), into: &again)
            offset = frame.end
        }
        // RocketMQ ignores magic and CRC, which are encoded as zeros.
        var canonical = Array(bytes[..<again.count])
        var start = 0
        while start < canonical.count {
            for place in start + 4..<start + 12 { canonical[place] = 0 }
            start += Int(canonical.number(at: start, count: 4))
        }
        try expect(again == canonical, "frames that are decoded and encoded differ")
        for offset in [-1, bytes.count, bytes.count + 1, .max, .min] {
            let frame = try? ClientBatch.frame(in: input, at: offset)
            try expect(frame == nil, "there is a frame at \(offset)")
        }
    }

    private static func plain(_ bytes: [UInt8], at offset: Int) -> [Int]? {
        let left = Array(bytes[offset...])
        guard left.count >= 22 else { return nil }
        let size = Int(left.number(at: 0, count: 4))
        let body = Int(left.number(at: 16, count: 4))
        guard size >= 22, size <= left.count, body >= 0, 20 + body + 2 <= size else { return nil }
        let properties = Int(left.number(at: 20 + body, count: 2))
        guard properties >= 0, 22 + body + properties == size else { return nil }
        return [20, 20 + body, 22 + body, size, size].map { offset + $0 }
    }
}
