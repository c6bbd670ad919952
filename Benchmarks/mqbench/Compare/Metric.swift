// The figure of a result that is compared.

import Bench

/// What is looked at, and which way is better.
enum Metric: String, CaseIterable, Sendable {
    case rate, p50, p99, p999, size

    /// The figure that a workload is about: of those with a pace of their own, or of single events,
    /// the latency; of others the rate.
    static func usual(for line: ResultLine) -> Metric {
        let workload = line.result["workload"]?.string ?? ""
        if ["tail", "open", "recover"].contains(workload) { return .p50 }
        let isPaced = line.parameters.contains {
            ["rate", "ofPeak"].contains($0.0) && ($0.1.double ?? 0) > 0
        }
        return isPaced ? .p50 : .rate
    }

    var isBetterWhenHigher: Bool { self == .rate }

    var title: String { self == .rate ? "messages/s" : self == .size ? "bytes on disk" : rawValue }

    /// The figure in a result; nil where it has none.
    func value(in line: ResultLine) -> Double? {
        switch self {
        case .rate: line.result["messagesPerSecond"]?.double
        case .size: line.result["storedBytesPerMessage"]?.double
        default: line.result["latencyNanoseconds"]?[rawValue]?.double
        }
    }

    /// Between which the rounds of one run lie, where the result says.
    func range(in line: ResultLine) -> ClosedRange<Double>? {
        guard self == .rate, case .array(let ends)? = line.result["messagesPerSecondRange"],
            ends.count == 2, let low = ends[0].double, let high = ends[1].double, low <= high
        else { return nil }
        return low...high
    }

    func text(_ value: Double) -> String {
        switch self {
        case .rate, .size: Figure.rate(value)
        default: Figure.duration(Int64(value))
        }
    }
}
