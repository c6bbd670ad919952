// Which compression to take, and the figures that this rests on.
//
// For longer, a store is as fast as the slower of two: the thread that compresses and appends, and
// the device that takes what is left of the bodies.

import Bench
import Foundation

/// The closing lines of a compression sweep.
enum CompressionAdvice {
    /// Rates that differ by less than this share count as equal.
    static let tie = 0.05

    /// `deviceRate`: bytes a second that the device takes for longer.
    static func lines(_ results: [CompressionResult], deviceRate: Double) -> [String] {
        let right = results.filter { $0.measurement.checked }
        let head =
            "The device takes \(Figure.rate(deviceRate / 1e6)) MB/s for longer; with it and one"
            + " thread that appends:"
        let bodies = Set(right.map(\.one.body)).sorted()
        let lines = bodies.flatMap { body in
            BodyKind.allCases.compactMap { kind in
                line(right.filter { $0.one.body == body && $0.one.kind == kind }, deviceRate)
            }
        }
        return lines.isEmpty ? [] : [head] + lines
    }

    private static func line(_ results: [CompressionResult], _ deviceRate: Double) -> String? {
        guard let fast = fastest(results, deviceRate: deviceRate) else { return nil }
        let name = "\(fast.one.kind) \(Plots.bytes(Double(fast.one.body)))"
        var line = "- \(name): \(figures(fast, deviceRate)): \(fast.one.choice.inSwift)"
        if fast.one.choice != .none, let plain = results.first(where: { $0.one.choice == .none }) {
            line += "; without, \(Figure.rate(plain.sustained(deviceRate: deviceRate))) messages/s"
        }
        if let saver = saver(results, deviceRate: deviceRate) {
            line += "; for less space, \(figures(saver, deviceRate))"
            if let small = smallest(results, deviceRate: deviceRate),
                small.storedShare < saver.storedShare - 0.02
            {
                line += "; the smallest, \(figures(small, deviceRate))"
            }
        }
        return line
    }

    /// The highest sustained rate; of equals the smallest on disk, where it saves a twentieth.
    static func fastest(_ results: [CompressionResult], deviceRate: Double) -> CompressionResult? {
        let best = results.map { $0.sustained(deviceRate: deviceRate) }.max() ?? 0
        let equals = results.filter { $0.sustained(deviceRate: deviceRate) >= best * (1 - tie) }
        guard let small = equals.min(by: { $0.storedShare < $1.storedShare }) else { return nil }
        guard let plain = equals.first(where: { $0.one.choice == .none }) else { return small }
        return small.storedShare < plain.storedShare - 0.05 ? small : plain
    }

    /// Of those that save at least a twentieth more than the fastest, the one that saves the most
    /// bytes in a second.
    static func saver(_ results: [CompressionResult], deviceRate: Double) -> CompressionResult? {
        guard let fast = fastest(results, deviceRate: deviceRate) else { return nil }
        func saved(_ one: CompressionResult) -> Double {
            (fast.storedByteCount - one.storedByteCount) * one.sustained(deviceRate: deviceRate)
        }
        return results.filter { $0.storedShare < fast.storedShare - 0.05 }
            .max { saved($0) < saved($1) }
    }

    /// The quickest of those that come within a fiftieth of the smallest on disk.
    static func smallest(_ results: [CompressionResult], deviceRate: Double) -> CompressionResult? {
        let least = results.map(\.storedShare).min() ?? 0
        return results.filter { $0.storedShare <= least + 0.02 }
            .max { $0.sustained(deviceRate: deviceRate) < $1.sustained(deviceRate: deviceRate) }
    }

    private static func figures(_ one: CompressionResult, _ deviceRate: Double) -> String {
        "\(one.one.choice.name) sustains \(Figure.rate(one.sustained(deviceRate: deviceRate)))"
            + " messages/s with " + String(format: "%.0f %%", one.storedShare * 100)
            + " of the bytes, and reads \(Figure.rate(one.readPerSecond))/s"
    }
}
