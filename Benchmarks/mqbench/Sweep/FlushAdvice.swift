// Which flush setting to take, and the figures that this rests on.

import ApusStore
import Bench

/// The closing lines of a flush sweep.
enum FlushAdvice {
    /// Rates that differ by less than this share count as equal, and so do those up to four times
    /// of it apart whose rounds cannot be told apart.
    static let tie = 0.05

    static func lines(_ results: [FlushResult]) -> [String] {
        let right = results.filter { $0.measurement.checked }
        var lines: [String] = []
        if let safe = safest(right) {
            lines.append(
                "To lose nothing that was acknowledged: \(safe.setting.inWords):"
                    + " \(figures(safe)).")
        }
        let alone = equals(right.filter { $0.setting.isSync && $0.setting.inFlight == 1 })
        if let one = alone.min(by: { $0.percentile(99) < $1.percentile(99) }),
            right.filter({ $0.setting.isSync }).count > 1
        {
            lines.append(
                "A writer that waits for each of its messages (\(one.setting.writer.rawValue)):"
                    + " \(figures(one)).")
        }
        guard let fast = fastest(right) else { return lines }
        guard !fast.setting.isSync else {
            return lines + ["Nothing is faster here: take SYNC_FLUSH."]
        }
        let best = right.map(\.measurement.messagesPerSecond).max() ?? 0
        let isBest = fast.measurement.messagesPerSecond >= best
        lines.append(
            "For speed: \(fast.setting.inWords): \(figures(fast));"
                + " a power cut took back at most \(Figure.duration(fast.exposure)) of"
                + " acknowledged messages at that pace and"
                + " \(Figure.duration(fast.burstExposure)) in bursts"
                + " (by its settings \(fast.setting.exposureInWords))."
                + (isBest
                    ? "" : " The highest rate, \(Figure.rate(best))/s, counts as the same here."))
        return lines
    }

    /// The fastest without exposure; of equals the one with the shorter tail.
    static func safest(_ results: [FlushResult]) -> FlushResult? {
        equals(results.filter { $0.setting.isSync })
            .min { $0.percentile(99) < $1.percentile(99) }
    }

    /// The fastest of all; of equals the one that exposes messages for the shortest time.
    static func fastest(_ results: [FlushResult]) -> FlushResult? {
        equals(results).min { $0.exposure < $1.exposure }
    }

    private static func equals(_ results: [FlushResult]) -> [FlushResult] {
        let rate = \FlushResult.measurement.messagesPerSecond
        guard let best = results.max(by: { $0[keyPath: rate] < $1[keyPath: rate] }) else {
            return []
        }
        return results.filter { one in
            let share = one[keyPath: rate] / best[keyPath: rate]
            guard share < 1 - tie else { return true }
            guard share > 1 - 4 * tie, let mine = one.measurement.messagesPerSecondRange,
                let other = best.measurement.messagesPerSecondRange
            else { return false }
            return mine.overlaps(other)
        }
    }

    private static func figures(_ one: FlushResult) -> String {
        "\(Figure.rate(one.measurement.messagesPerSecond)) messages/s,"
            + " p50 \(Figure.duration(one.percentile(50))),"
            + " p99 \(Figure.duration(one.percentile(99)))"
    }
}
