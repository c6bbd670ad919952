// First inputs for the targets: pieces of a store that RocketMQ wrote, and of our encoders' output.
//
//     apusfuzz seeds STORE DIRECTORY      STORE is a golden store, unpacked

import ApusFormat
import FuzzTargets

/// Writes `DIRECTORY/TARGET/seed-…`.
struct Seeds {
    let store: FuzzScratch
    let target: FuzzScratch

    func write() throws(FuzzFinding) {
        try records()
        try queues()
        try texts()
        try bodies()
        for number in 0..<2 {
            let names = ["20261122113622609", "20261122113623613"]
            guard let file = try store.read("index/\(names[number])") else { continue }
            try put(.index, "golden-\(number)", [100 & 31, 1] + file.prefix(900))
        }
        if let file = try store.read("checkpoint") {
            for options: UInt8 in [0, 3, 5, 12, 15] {
                try put(.checkpoint, "golden-\(options)", [options] + file.prefix(40))
            }
        }
        for options: UInt8 in [0, 8, 16, 48, 64] {
            // Segments of 8 KiB, queue files of 40 bytes, 50 slots, 60 entries and so on.
            let small: [UInt8] = [
                130, 130, 16, 4, 20, 30, 20, 162, 20, 20, 2, 60, 32, 2, 50, 60, 90, 2, 4, 60, 61,
                62,
                10, 1, 1, 65, 66, 67,
            ]
            try put(.configuration, "small-\(options)", [options] + small)
        }
    }

    private func put(
        _ name: FuzzTarget, _ seed: String, _ bytes: [UInt8]
    ) throws(FuzzFinding) {
        try target.write(bytes, to: "\(name.rawValue)/seed-\(seed)")
    }

    /// Every ninth record, its properties and its body, and a segment made of a few.
    private func records() throws(FuzzFinding) {
        guard let log = try store.read("commitlog/00000000000000000000") else { return }
        var offset = 0
        var number = 0
        var chunks: [UInt8] = []
        while case .record(let frame) = RecordInspection.inspect(
            log.rawSpan, at: offset, physicalOffset: Int64(offset), checks: .all)
        {
            let record = Array(log[offset..<offset + frame.totalSize])
            if number % 9 == 0, record.count < 1200 {
                try put(.record, "golden-\(number)", [0x37] + record)
                try put(
                    .properties, "golden-\(number)", [UInt8](frame.properties(in: record.rawSpan)))
                let count = UInt16(record.count)
                chunks += [3, UInt8(count >> 8), UInt8(count & 255)] + record
            }
            if frame.systemFlag.contains(.innerBatch) {
                try put(.batch, "golden-\(number)", [UInt8](frame.body(in: record.rawSpan)))
            }
            if let codec = BodyCodec(frame.systemFlag), frame.bodyLength < 2000 {
                try put(
                    .body, "golden-\(number)",
                    [UInt8(codec.rawValue - 1) | 128, 255, 255]
                        + [UInt8](frame.body(in: record.rawSpan)))
            }
            offset += frame.totalSize
            number += 1
        }
        for options: UInt8 in [0, 1, 2, 3, 4, 0x3E, 0x8A] {
            let mark: [UInt8] = [0x10, 0, 0x08, 0, 0x08, 0, 1, 0, 2, 1, 0, 0]
            try put(.segment, "golden-\(options)", [options] + mark + chunks)
            let made: [UInt8] = [
                8, 0x18, 3, 65, 66, 67, 9, 0x09, 1, 90, 10, 0x2C, 2, 88, 1, 89, 7, 0x10, 2, 65, 65,
                70,
                2, 11, 0x12, 1, 64,
            ]
            try put(.segment, "made-\(options)", [options] + mark + made)
        }
    }

    private func queues() throws(FuzzFinding) {
        for name in ["GoldA/0", "SCHEDULE_TOPIC_XXXX/1", "%RETRY%golden_cg/0"] {
            guard let file = try store.read("consumequeue/\(name)/00000000000000000000") else {
                continue
            }
            let seed = String(name.prefix { $0 != "/" }.filter { $0 != "%" })
            try put(.queue, seed, Array(file.prefix(240)))
            try put(
                .segment, "queue-\(seed)",
                [0x31, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 0, 0, 8, 0x18, 3, 65, 66, 67, 4, 60]
                    + file.prefix(60) + [5, 60] + file.prefix(60))
        }
        for count in [0, 1, 3] {
            var frames: [UInt8] = []
            for number in 0..<count {
                let body = [UInt8](repeating: 65, count: number * 5)
                let properties = Array("KEYS\u{1}k\(number)\u{2}".utf8)
                ClientBatch.encode(
                    flag: 7, body: body.rawSpan, properties: properties.rawSpan, into: &frames)
            }
            try put(.batch, "made-\(count)", frames)
        }
    }

    private func texts() throws(FuzzFinding) {
        let texts = [
            "10.0.0.1:10911", "[2001:db8:0:0:0:0:0:1]:10911", "7F00000100002A9F0000000000000000",
            "20010DB8000000000000000000000001000000500000000000000123", "20261122113622609",
            "00000000000000065536", "%RETRY%golden_cg", "..", "a/b",
            "7F0000010DF618B4AAC24F0EBE5C0001",
        ]
        for (number, text) in texts.enumerated() {
            try put(.names, "\(number)", Array(text.utf8))
        }
        for (number, text) in ["1234\napus 7\n", "4711", "1\napus -1\n"].enumerated() {
            try put(.checkpoint, "abort-\(number)", [32] + Array(text.utf8))
        }
        let sets = [
            "TAGS\u{1}a\u{2}KEYS\u{1}k1 k2\u{2}UNIQ_KEY\u{1}u\u{2}DELAY\u{1}3\u{2}",
            "k\u{1}v\u{2}__CRC32#\u{1}0123456789\u{2}", "ключ\u{1}значение 🙂\u{2}",
        ]
        for (number, text) in sets.enumerated() {
            try put(.properties, "made-\(number)", Array(text.utf8))
            try put(
                .record, "made-\(number)", [0x4F, 0, 0, 0, 1, 1, 84, 2, 65, 66] + Array(text.utf8))
            try put(
                .record, "plain-\(number)", [0x40, 0, 0, 0, 0, 1, 84, 2, 65, 66] + Array(text.utf8))
        }
    }

    private func bodies() throws(FuzzFinding) {
        let text = Array("the same again and again, the same again and again".utf8)
        for codec in BodyCodec.allCases {
            guard let body = try? BodyCompression.encode(text.rawSpan, codec: codec) else {
                continue
            }
            let number = UInt8(codec.rawValue - 1)
            try put(.body, "\(codec)-decode", [number, 4, 0] + body)
            try put(.body, "\(codec)-twice", [number, 4, 0] + body + body)
            try put(.body, "\(codec)-encode", [number | 0x0C, 4, 0] + text)
        }
    }
}
