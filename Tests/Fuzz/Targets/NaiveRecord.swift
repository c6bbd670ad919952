// A second reading of a record, made of nothing but additions: slow, plain, written apart from the
// one in the engine, and compared with it.

import ApusFormat

/// What plain arithmetic makes of the bytes where a record should start.
enum NaiveRecord: Equatable {
    case record(RecordFrame)
    case padding(Int)
    case end
    /// Which kind of damage, by the name of its case.
    case damaged(String)

    /// Reads the start of `bytes`, which end where their file ends.
    init(_ bytes: [UInt8], physicalOffset: Int64, checks: RecordChecks) {
        self = Self.read(bytes, physicalOffset, checks)
    }

    /// The engine's answer in the same words.
    init(_ outcome: RecordOutcome) {
        self =
            switch outcome {
            case .record(let frame): .record(frame)
            case .padding(let count): .padding(count)
            case .end: .end
            case .damaged(let damage): .damaged(String("\(damage)".prefix { $0 != "(" }))
            }
    }

    private static func read(
        _ bytes: [UInt8], _ physicalOffset: Int64, _ checks: RecordChecks
    ) -> NaiveRecord {
        guard bytes.count >= 8 else { return .end }
        let size = Int(bytes.number(at: 0, count: 4))
        let magic = Array(bytes[4..<8])
        if magic == [0xCB, 0xD4, 0x31, 0x94] {
            return size == bytes.count ? .padding(size) : .damaged("paddingOutOfBounds")
        }
        if size == 0, magic == [0, 0, 0, 0] { return .end }
        guard magic == [0xDA, 0xA3, 0x20, 0xA7] || magic == [0xDA, 0xA3, 0x20, 0xAB] else {
            return .damaged("unknownMagic")
        }
        guard size >= 91, size <= bytes.count else { return .damaged("sizeOutOfBounds") }
        let record = Array(bytes[..<size])
        guard let frame = frame(record, isFirst: magic[3] == 0xA7) else {
            return .damaged("lengthsDisagree")
        }
        if checks.contains(.position), record.number(at: 28, count: 8) != physicalOffset {
            return .damaged("positionMismatch")
        }
        let isChecked =
            checks.contains(.recordChecksum) || checks.contains(.recordChecksumRequired)
        if isChecked {
            let holds = checksumHolds(record, properties: frame.propertiesLength)
            if holds == false || holds == nil && checks.contains(.recordChecksumRequired) {
                return .damaged("recordChecksumMismatch")
            }
        }
        if checks.contains(.bodyChecksum) {
            let start = size - 2 - frame.propertiesLength - frame.topicLength
            let body = Array(
                record[..<(start - frame.version.topicLengthWidth)].suffix(frame.bodyLength))
            guard Int64(crc32(body) & 0x7FFF_FFFF) == record.number(at: 8, count: 4) else {
                return .damaged("bodyChecksumMismatch")
            }
        }
        return .record(frame)
    }

    private static func frame(_ record: [UInt8], isFirst: Bool) -> RecordFrame? {
        let flag = record[39]
        var place = 48
        place += flag & 16 == 0 ? 8 : 20
        place += 8
        place += flag & 32 == 0 ? 8 : 20
        place += 12
        guard place + 4 <= record.count else { return nil }
        let body = Int(record.number(at: place, count: 4))
        place += 4
        guard body >= 0, place + body <= record.count else { return nil }
        place += body
        let width = isFirst ? 1 : 2
        guard place + width <= record.count else { return nil }
        let topic = isFirst ? Int(record[place]) : Int(record.number(at: place, count: 2))
        place += width
        guard topic >= 0, place + topic + 2 <= record.count else { return nil }
        place += topic
        let properties = Int(record.number(at: place, count: 2))
        guard properties >= 0, place + 2 + properties == record.count else { return nil }
        return RecordFrame(
            version: isFirst ? .v1 : .v2,
            systemFlag: SystemFlag(rawValue: Int32(record.number(at: 36, count: 4))),
            bodyLength: body, topicLength: topic, propertiesLength: properties)
    }

    /// The last item of the properties, when it is a whole `__CRC32#`.
    private static func checksumHolds(_ record: [UInt8], properties: Int) -> Bool? {
        let tail = Array(record.suffix(20))
        guard properties >= 20, properties == 20 || record[record.count - 21] == 2,
            tail.starts(with: Array("__CRC32#\u{1}".utf8)), tail[19] == 2,
            let value = UInt32(String(decoding: tail[9..<19].reversed(), as: UTF8.self)),
            tail[9..<19].allSatisfy({ $0 >= 48 && $0 <= 57 })
        else { return nil }
        return value == crc32(Array(record.dropLast(20))) & 0x7FFF_FFFF
    }

    /// Bit by bit.
    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = .max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
        }
        return ~crc
    }
}
