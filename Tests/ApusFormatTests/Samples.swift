// What several tests need: bytes from digits, and randomness that can be replayed.

import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): a seed replays a run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    /// The generator for a test: from SEED in the environment, else a new seed, which is printed.
    init(for test: String) {
        let given = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }
        state = given ?? UInt64.random(in: 1...UInt64.max)
        print("\(test): SEED=\(state)")
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// The bytes that the hexadecimal digits in `hex` spell; everything else in it is passed over.
func bytes(hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

/// An array of `count` zeros, as `store` leaves it.
func stored(_ count: Int, _ store: (inout MutableRawSpan) -> Void) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: count)
    var span = target.mutableSpan
    var raw = span.mutableBytes
    store(&raw)
    return target
}
