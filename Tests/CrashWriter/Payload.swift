// Messages that anyone can make again from a seed and a number, to hold what was read against them.

import ApusFormat
import ApusStore

/// Where messages of a directory go, and what is in them.
struct Payload {
    let seed: UInt64

    /// Messages with neighbouring numbers share a queue, so that they can go as a batch.
    static let groupCount: UInt64 = 8
    /// Every body begins with these, then seed and number, eight bytes each.
    static let marker: [UInt8] = Array("APUSCRSH".utf8)
    static let headByteCount = 24
    static let bodyLimit = 48 << 10

    static let places: [QueueName] =
        (0..<4).map { QueueName(topic: "CrashA", id: $0) }
        + (0..<2).map { QueueName(topic: "CrashB", id: $0) }
        + [QueueName(topic: String(repeating: "LongName", count: 15), id: 0)]

    func place(of sequence: UInt64) -> QueueName {
        var numbers = Numbers(seed: seed, stream: ~(sequence / Self.groupCount))
        return Self.places[Int(numbers.next() % UInt64(Self.places.count))]
    }

    func message(_ sequence: UInt64) -> Message {
        var numbers = Numbers(seed: seed, stream: sequence)
        let shape = numbers.next()
        let body = self.body(sequence, &numbers, kind: shape & 0xFF)
        let place = place(of: sequence)
        let tags = shape >> 8 & 3 == 0 ? nil : "Tag\(shape >> 8 & 3)"
        var keys: [String] = []
        if shape >> 10 & 3 != 0 { keys.append(Self.key(sequence)) }
        if shape >> 12 & 7 == 0 { keys.append("Shared\(shape >> 16 & 15)") }
        var properties = [Property(name: "n", value: String(sequence))]
        if shape >> 20 & 1 == 0 {
            properties.append(Property(name: PropertyName.uniqueKey, value: "U\(sequence)"))
        }
        return Message(
            topic: place.topic, queueID: place.id, body: body, tags: tags, keys: keys,
            properties: properties)
    }

    static func key(_ sequence: UInt64) -> String { "K\(String(sequence, radix: 36))" }

    /// Mostly short, now and then some pages, seldom a good part of a segment.
    private func body(_ sequence: UInt64, _ numbers: inout Numbers, kind: UInt64) -> [UInt8] {
        let span: UInt64 =
            switch kind {
            case 0..<200: 500
            case 200..<250: 6_000
            default: UInt64(Self.bodyLimit - Self.headByteCount)
            }
        let rest = Int(numbers.next() % span)
        var body = Self.marker
        body.reserveCapacity(Self.headByteCount + rest + 8)
        for word in [seed, sequence] {
            withUnsafeBytes(of: word.littleEndian) { body.append(contentsOf: $0) }
        }
        while body.count < Self.headByteCount + rest {
            withUnsafeBytes(of: numbers.next()) { body.append(contentsOf: $0) }
        }
        body.removeLast(body.count - Self.headByteCount - rest)
        return body
    }

    /// The number in a body; nil when the directory's writers made no such body.
    func sequence(in body: [UInt8]) -> UInt64? {
        guard body.count >= Self.headByteCount, body.starts(with: Self.marker) else { return nil }
        func word(_ start: Int) -> UInt64 {
            (0..<8).reduce(0) { $0 | UInt64(body[start + $1]) << (8 * UInt64($1)) }
        }
        return word(8) == seed ? word(16) : nil
    }
}

/// SplitMix64, many streams from one seed.
struct Numbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64, stream: UInt64 = 0) {
        state = seed
        state = next() ^ stream &* 0xD1B5_4A32_D192_ED03
        state = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
