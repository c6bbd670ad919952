// Two sides of the same work, and what may be said of them.

import Bench
import Foundation

/// What one side measured of some work.
struct Side: Sendable {
    let median: Double
    /// What counts as usual: of fewer than eight runs all of them, of more the middle half; of a
    /// single run that of its rounds. nil when nothing is known of it.
    let spread: ClosedRange<Double>?
    let runs: Int

    /// nil when there are no values. `range` is used when there is one value.
    init?(_ values: [Double], range: ClosedRange<Double>? = nil) {
        guard let low = values.min(), let high = values.max() else { return nil }
        median = values.median
        runs = values.count
        switch values.count {
        case 1: spread = range
        case ..<8: spread = low...high
        default:
            let sorted = values.sorted()
            spread = sorted[values.count / 4]...sorted[values.count - 1 - values.count / 4]
        }
    }

    var json: JSONValue {
        .object([
            ("median", .figure(median)), ("low", .figure(spread?.lowerBound)),
            ("high", .figure(spread?.upperBound)), ("runs", .count(runs)),
        ])
    }
}

enum Verdict: String, Sendable {
    case faster, slower
    /// Less on disk, more on disk.
    case smaller, larger
    case noDifference = "no difference beyond the spread"
    /// One run, whose rounds are not known either.
    case unknown = "one run, no spread known"
}

/// The same work on both sides.
struct Comparison: Sendable {
    let title: String
    let key: String
    let metric: Metric
    let a: Side
    let b: Side

    /// How much B differs from A, in per cent of A.
    var changePercent: Double { a.median == 0 ? 0 : (b.median / a.median - 1) * 100 }

    var verdict: Verdict {
        guard let first = a.spread, let second = b.spread else { return .unknown }
        if first.overlaps(second) { return .noDifference }
        let isHigher = second.lowerBound > first.upperBound
        if metric == .size { return isHigher ? .larger : .smaller }
        return isHigher == metric.isBetterWhenHigher ? .faster : .slower
    }

    /// Whether B is worse by more than so many per cent, and that is not within the spread.
    func isWorse(byPercent limit: Double) -> Bool {
        guard verdict != .noDifference, a.median > 0, b.median > 0 else { return false }
        let ratio = metric.isBetterWhenHigher ? a.median / b.median : b.median / a.median
        return (ratio - 1) * 100 > limit
    }

    var json: JSONValue {
        .object([
            ("work", .string(key)), ("metric", .string(metric.rawValue)), ("a", a.json),
            ("b", b.json), ("changePercent", .figure(changePercent)),
            ("verdict", .string(verdict.rawValue)),
        ])
    }

    /// What both have, in the order of B. `metric` nil takes the usual one of each.
    static func all(_ a: [ResultLine], _ b: [ResultLine], metric: Metric?) -> [Comparison] {
        let first = Dictionary(grouping: a, by: \.key)
        let second = Dictionary(grouping: b, by: \.key)
        var seen: Set<String> = []
        return b.compactMap { line -> Comparison? in
            guard seen.insert(line.key).inserted, let others = first[line.key] else { return nil }
            let metric = metric ?? Metric.usual(for: line)
            guard let a = side(others, metric), let b = side(second[line.key] ?? [], metric)
            else { return nil }
            return Comparison(title: line.title, key: line.key, metric: metric, a: a, b: b)
        }
    }

    private static func side(_ lines: [ResultLine], _ metric: Metric) -> Side? {
        Side(
            lines.compactMap { metric.value(in: $0) },
            range: lines.last.flatMap { metric.range(in: $0) })
    }
}
