// Planted faults: what the fuzzer must find within seconds, to show that it sees such things.
//
// They are decoders as they could have been written, in the harness and nowhere else. Each has the
// fault that its name says.

import ApusFormat
import FuzzTargets

/// A decoder with a fault.
enum Control: String, CaseIterable {
    /// Reads a length and then as many bytes, without looking whether they are there: a read beyond
    /// the input, which AddressSanitizer must see.
    case outOfBounds = "control-out-of-bounds"
    /// Checks a size against the room, one too generously: a trap of a span's bounds check.
    case offByOne = "control-off-by-one"
    /// Adds two numbers from the input: a trap on overflow.
    case overflow = "control-overflow"
    /// A scan of properties that takes the first of several tags: it disagrees with a plain one.
    case disagreement = "control-disagreement"
    /// Allocates as much as the input says: the bound on memory must be noticed.
    case allocation = "control-allocation"
    /// Goes round for ever on a chain that leads back: the bound on time must be noticed.
    case endless = "control-endless"

    func run(_ input: RawSpan) throws(FuzzFinding) {
        switch self {
        case .outOfBounds: try Self.outOfBounds(input)
        case .offByOne: Self.offByOne(input)
        case .overflow: try Self.overflow(input)
        case .disagreement: try Self.disagreement(input)
        case .allocation: try Self.allocation(input)
        case .endless: try Self.endless(input)
        }
    }

    private static func outOfBounds(_ input: RawSpan) throws(FuzzFinding) {
        guard input.byteCount >= 4 else { return }
        let count = Int(input.loadBigEndian(UInt16.self, at: 0))
        let sum = input.withUnsafeBytes { all in
            guard let base = all.baseAddress else { return 0 }
            return (0..<count).reduce(0) {
                $0 &+ Int(base.load(fromByteOffset: $1, as: UInt8.self))
            }
        }
        try expect(sum >= 0)
    }

    private static func offByOne(_ input: RawSpan) {
        guard input.byteCount >= 8, input.loadBigEndian(UInt8.self, at: 0) == 0xDA else { return }
        let size = Int(input.loadBigEndian(UInt8.self, at: 1))
        guard size <= input.byteCount + 1 else { return }
        _ = input.extracting(0..<size).isZero
    }

    private static func overflow(_ input: RawSpan) throws(FuzzFinding) {
        guard input.byteCount >= 16 else { return }
        let offset = input.loadBigEndian(Int64.self, at: 0)
        let size = input.loadBigEndian(Int64.self, at: 8)
        // Used, or the optimiser would leave the sum out with its check.
        try expect(offset + size != .min)
    }

    private static func disagreement(_ input: RawSpan) throws(FuzzFinding) {
        let name = Array("TAGS".utf8)
        var first: Range<Int>?
        var last: Range<Int>?
        Properties.forEach(in: input) { found, value in
            guard [UInt8](input.extracting(found)) == name else { return }
            first = first ?? value
            last = value
        }
        try expect(first == last)
    }

    private static func allocation(_ input: RawSpan) throws(FuzzFinding) {
        guard input.byteCount >= 4 else { return }
        let count = Int(input.loadBigEndian(UInt32.self, at: 0))
        let room = [UInt8](repeating: 1, count: count)
        try expect(room.allSatisfy { $0 == 1 })
    }

    private static func endless(_ input: RawSpan) throws(FuzzFinding) {
        guard input.byteCount >= 2 else { return }
        var number = Int(input.loadBigEndian(UInt8.self, at: 0))
        var steps: UInt = 0
        while number > 0, number < input.byteCount {
            number = Int(input.loadBigEndian(UInt8.self, at: number))
            steps &+= 1
        }
        try expect(steps < .max)
    }

    private static func expect(_ holds: Bool) throws(FuzzFinding) {
        if !holds { throw FuzzFinding("a planted fault") }
    }
}
