// Histograms against sorted arrays: whatever the values, a percentile is in the right bucket.

import Foundation
import Histogram
import Testing

/// SplitMix64 (Steele, Lea, Flood 2014): a seed replays a run.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

private func generator(_ test: String) -> SeededGenerator {
    let given = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 1...UInt64.max)
    print("\(test): SEED=\(seed)")
    return SeededGenerator(state: seed)
}

/// Values spread over all magnitudes up to the limit.
private func values(_ count: Int, using random: inout SeededGenerator) -> [Int64] {
    let top = Int64.random(in: 1...42, using: &random)
    return (0..<count).map { _ in
        Int64.random(in: 0..<(1 << Int64.random(in: 0...top, using: &random)), using: &random)
    }
}

/// The nearest rank, as a sorted array has it.
private func exact(_ percent: Double, of sorted: [Int64]) -> Int64 {
    sorted[max(1, Int((Double(sorted.count) * percent / 100).rounded(.up))) - 1]
}

private let percents = [0.0, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100]

@Test("each percentile lies in the bucket of the value that a sorted array has there")
func percentilesMatch() {
    var random = generator("percentilesMatch")
    for _ in 0..<300 {
        let values = values(Int.random(in: 1...3_000, using: &random), using: &random)
        let sorted = values.sorted()
        var histogram = Histogram()
        for value in values { histogram.record(value) }
        #expect(histogram.count == UInt64(values.count))
        #expect(histogram.maximum == sorted.last && histogram.minimum == sorted.first)
        for percent in percents {
            let wanted = exact(percent, of: sorted)
            let found = histogram.value(atPercentile: percent)
            let expected = min(Histogram.equivalents(of: wanted).upperBound, histogram.maximum)
            #expect(found == expected, "\(percent) % of \(values.count) values")
        }
    }
}

@Test("a bucket is never wider than a thousandth of its values, and buckets leave no gap")
func bucketsAreNarrow() {
    var next: Int64 = 0
    while next < Histogram.limit {
        let bucket = Histogram.equivalents(of: next)
        #expect(bucket.lowerBound == next)
        #expect(Histogram.equivalents(of: bucket.upperBound) == bucket)
        #expect(Double(bucket.upperBound - bucket.lowerBound) <= Double(next) / 1_000)
        next = bucket.upperBound + 1
    }
    #expect(next == Histogram.limit + 1)
}

@Test("merged histograms answer as one that saw all values")
func mergesAdd() {
    var random = generator("mergesAdd")
    for _ in 0..<50 {
        var whole = Histogram()
        var merged = Histogram()
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            var part = Histogram()
            for value in values(Int.random(in: 0...500, using: &random), using: &random) {
                part.record(value)
                whole.record(value)
            }
            merged.merge(part)
        }
        #expect(merged.count == whole.count)
        #expect(merged.minimum == whole.minimum && merged.maximum == whole.maximum)
        #expect(abs(merged.mean - whole.mean) <= 1e-9 * whole.mean)
        for percent in percents {
            #expect(merged.value(atPercentile: percent) == whole.value(atPercentile: percent))
        }
    }
}

@Test("a stall at a fixed pace stands for the values that were not taken in it")
func correctionFillsIn() {
    var random = generator("correctionFillsIn")
    for _ in 0..<200 {
        let interval = Int64.random(in: 1...1_000, using: &random)
        let value = Int64.random(in: 0...100_000, using: &random)
        var expected = [value]
        for missing in stride(from: value - interval, through: interval, by: -Int(interval)) {
            expected.append(missing)
        }
        var corrected = Histogram()
        corrected.recordCorrected(value, expectedInterval: interval)
        var plain = Histogram()
        for value in expected { plain.record(value) }
        #expect(corrected.count == plain.count)
        for percent in percents {
            #expect(corrected.value(atPercentile: percent) == plain.value(atPercentile: percent))
        }
    }
}

@Test("values beyond the ends are kept as well as they can be")
func extremesAreKept() {
    var histogram = Histogram()
    #expect(histogram.value(atPercentile: 50) == 0 && histogram.minimum == 0)
    histogram.record(-5)
    histogram.record(.max)
    #expect(histogram.minimum == 0 && histogram.maximum == .max)
    #expect(histogram.value(atPercentile: 50) == 0)
    #expect(histogram.value(atPercentile: 100) == .max)
    histogram.recordCorrected(7, expectedInterval: 0)
    #expect(histogram.count == 3)
}
