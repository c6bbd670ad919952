// Counts of values in buckets whose width grows with the value, so that percentiles far out cost no
// memory and no accuracy: the layout of G. Tene's HdrHistogram with three significant digits.
//
// Values below 2,048 have a bucket each; every octave above is cut into 1,024 buckets. A bucket is
// therefore never wider than a thousandth of the values in it. Written by one thread at a time:
// threads count for themselves and merge.

/// A distribution of durations or other whole numbers from 0 on.
public struct Histogram: Sendable {
    @usableFromInline var counts: [UInt64]
    /// How many values were recorded.
    public private(set) var count: UInt64 = 0
    /// The largest value recorded, exactly; 0 when there is none.
    public private(set) var maximum: Int64 = 0
    /// The smallest value recorded, exactly; 0 when there is none.
    public var minimum: Int64 { count == 0 ? 0 : smallest }
    private var smallest = Int64.max
    private var sum: Double = 0

    /// Values above this one are counted in the last bucket; `maximum` keeps them exactly.
    public static let limit: Int64 = (1 << 42) - 1

    private static let bucketCount = bucket(of: limit) + 1

    public init() {
        counts = Array(repeating: 0, count: Self.bucketCount)
    }

    /// The mean of the values; 0 when there is none.
    public var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// Counts `value`; a negative one counts as 0.
    public mutating func record(_ value: Int64) {
        let value = max(0, value)
        counts[Self.bucket(of: min(value, Self.limit))] &+= 1
        count &+= 1
        maximum = max(maximum, value)
        smallest = min(smallest, value)
        sum += Double(value)
    }

    /// Counts `value`, and with it the values that were not taken while this one lasted.
    ///
    /// A caller who waits for each answer before it asks again, and means to ask once in
    /// `expectedInterval`, asks less while answers are slow: what it should have seen meanwhile is
    /// `value - interval`, `value - 2 · interval` and so on.
    public mutating func recordCorrected(_ value: Int64, expectedInterval interval: Int64) {
        record(value)
        guard interval > 0 else { return }
        var missing = value - interval
        while missing >= interval {
            record(missing)
            missing -= interval
        }
    }

    /// Adds all that `other` counted.
    public mutating func merge(_ other: Histogram) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
        count &+= other.count
        maximum = max(maximum, other.maximum)
        smallest = min(smallest, other.smallest)
        sum += other.sum
    }

    /// The value that `percent` per cent of the values do not exceed: the upper end of the bucket
    /// in which the nearest rank falls, never more than `maximum`. 0 when there are no values.
    public func value(atPercentile percent: Double) -> Int64 {
        guard count > 0 else { return 0 }
        let share = Double(count) * min(max(percent, 0), 100) / 100
        let rank = min(max(1, UInt64(share.rounded(.up))), count)
        var passed: UInt64 = 0
        for index in counts.indices {
            passed &+= counts[index]
            if passed >= rank {
                let isLast = index == counts.count - 1
                return isLast ? maximum : min(maximum, Self.values(inBucket: index).upperBound)
            }
        }
        return maximum
    }

    /// The values that are counted together with `value`.
    public static func equivalents(of value: Int64) -> ClosedRange<Int64> {
        values(inBucket: bucket(of: min(max(0, value), limit)))
    }

    @inline(__always)
    private static func bucket(of value: Int64) -> Int {
        if value < 2048 { return Int(value) }
        let octave = 63 &- value.leadingZeroBitCount
        return (octave &- 10) &* 1024 &+ Int(truncatingIfNeeded: value >> Int64(octave &- 10))
    }

    private static func values(inBucket index: Int) -> ClosedRange<Int64> {
        if index < 2048 { return Int64(index)...Int64(index) }
        let shift = Int64(index / 1024 - 1)
        let lowest = Int64(index % 1024 + 1024) << shift
        return lowest...(lowest + (1 << shift) - 1)
    }
}
