// SHA-1 (FIPS 180-4) and HMAC (RFC 2104), for the signatures of RocketMQ's ACL 1.0.
//
// By hand, since the libraries that have them bring a second TLS library along. SHA-1 is broken for
// documents that an attacker writes; HMAC with it is not, and clients know nothing else.

internal import ApusFormat

/// The hash of bytes that come piece by piece.
struct SHA1 {
    static let blockByteCount = 64
    static let byteCount = 20

    private var state: InlineArray<5, UInt32> = [
        0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0,
    ]
    private var pending = [UInt8](repeating: 0, count: SHA1.blockByteCount)
    private var pendingCount = 0
    private var byteCount: UInt64 = 0

    mutating func update(_ bytes: RawSpan) {
        byteCount &+= UInt64(bytes.byteCount)
        var place = 0
        if pendingCount > 0 {
            place = min(bytes.byteCount, Self.blockByteCount - pendingCount)
            keep(bytes.extracting(0..<place))
            guard pendingCount == Self.blockByteCount else { return }
            pendingCount = 0
            let block = pending
            compress(block.rawSpan, at: 0)
        }
        while place + Self.blockByteCount <= bytes.byteCount {
            compress(bytes, at: place)
            place += Self.blockByteCount
        }
        keep(bytes.extracting(place..<bytes.byteCount))
    }

    private mutating func keep(_ bytes: RawSpan) {
        for offset in 0..<bytes.byteCount {
            pending[pendingCount] = bytes.loadBigEndian(UInt8.self, at: offset)
            pendingCount += 1
        }
    }

    /// The twenty bytes. Nothing may come behind.
    mutating func finish() -> [UInt8] {
        let bitCount = byteCount &* 8
        let zeros = (2 * Self.blockByteCount - 9 - pendingCount) % Self.blockByteCount
        var end: [UInt8] = [0x80] + [UInt8](repeating: 0, count: zeros)
        for shift in stride(from: 56, through: 0, by: -8) {
            end.append(UInt8(truncatingIfNeeded: bitCount >> UInt64(shift)))
        }
        let padding = end
        update(padding.rawSpan)
        var hash: [UInt8] = []
        for place in state.indices {
            for shift in stride(from: 24, through: 0, by: -8) {
                hash.append(UInt8(truncatingIfNeeded: state[place] >> UInt32(shift)))
            }
        }
        return hash
    }

    private mutating func compress(_ bytes: RawSpan, at start: Int) {
        var words = InlineArray<80, UInt32>(repeating: 0)
        for place in 0..<16 {
            words[place] = bytes.loadBigEndian(UInt32.self, at: start + 4 * place)
        }
        for place in 16..<80 {
            words[place] = Self.rotated(
                words[place - 3] ^ words[place - 8] ^ words[place - 14] ^ words[place - 16], 1)
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for place in 0..<80 {
            let (mixed, constant): (UInt32, UInt32) =
                switch place {
                case 0..<20: ((b & c) | (~b & d), 0x5A82_7999)
                case 20..<40: (b ^ c ^ d, 0x6ED9_EBA1)
                case 40..<60: ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = Self.rotated(a, 5) &+ mixed &+ e &+ constant &+ words[place]
            (a, b, c, d, e) = (next, a, Self.rotated(b, 30), c, d)
        }
        state[0] &+= a
        state[1] &+= b
        state[2] &+= c
        state[3] &+= d
        state[4] &+= e
    }

    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word << count | word >> (32 - count)
    }
}

/// HMAC-SHA1 under one key, whose two hashes are begun once.
struct HMACSHA1 {
    private let inner: SHA1
    private let outer: SHA1

    init(key: [UInt8]) {
        var block = key
        if block.count > SHA1.blockByteCount {
            var hash = SHA1()
            hash.update(key.rawSpan)
            block = hash.finish()
        }
        block += [UInt8](repeating: 0, count: SHA1.blockByteCount - block.count)
        inner = Self.begun(block.map { $0 ^ 0x36 })
        outer = Self.begun(block.map { $0 ^ 0x5C })
    }

    private static func begun(_ block: [UInt8]) -> SHA1 {
        var hash = SHA1()
        hash.update(block.rawSpan)
        return hash
    }

    /// A hash to be fed with the message, for `finish`.
    func begin() -> SHA1 { inner }

    func finish(_ message: SHA1) -> [UInt8] {
        var message = message
        var outer = outer
        let hash = message.finish()
        outer.update(hash.rawSpan)
        return outer.finish()
    }
}
