// What a workload found out, and how it stands against what the machine can do.

package import Histogram

/// What the machine does when no store is in the way.
package struct Roofline: Sendable {
    package let name: String
    package let messagesPerSecond: Double
    package let megabytesPerSecond: Double
    /// The store's rate as a share of this one's: the median over the rounds in which both ran.
    package let ratio: Double

    package init(
        name: String, messagesPerSecond: Double, megabytesPerSecond: Double, ratio: Double
    ) {
        self.name = name
        self.messagesPerSecond = messagesPerSecond
        self.megabytesPerSecond = megabytesPerSecond
        self.ratio = ratio
    }
}

/// The result of one workload.
package struct RunResult: Sendable {
    package private(set) var workload: String
    package private(set) var parameters: [(String, JSONValue)]
    package var messagesPerSecond = 0.0
    /// A million bytes of records, or of files where that is what is read.
    package var megabytesPerSecond = 0.0
    /// The first one is what the workload is held against.
    package var rooflines: [Roofline] = []
    package var latency = Histogram()
    /// What the latencies are of.
    package var latencyMeaning = ""
    /// The same ratio to the first roofline by processor time of the one thread that appends; what
    /// others on the machine take is not in it. nil where it is not measured.
    package var processorTimeRatio: Double?
    /// Of the threads that call the store; nil when nothing counts.
    package var allocationsPerMessage: Double?
    package var checked = false
    /// Rounds of which the figures are medians.
    package var rounds = 1
    /// The slowest and the fastest round; nil when there was one.
    package var messagesPerSecondRange: ClosedRange<Double>?
    /// Figures that only this workload has, by their names.
    package var more: [(String, JSONValue)] = []
    /// What a reader has to know to judge the figures.
    package var notes: [String] = []

    package init(_ workload: String, _ parameters: [(String, JSONValue)]) {
        self.workload = workload
        self.parameters = parameters
    }

    /// The same figures under another name.
    package func renamed(_ workload: String, _ parameters: [(String, JSONValue)]) -> RunResult {
        var result = self
        result.workload = workload
        result.parameters = parameters
        return result
    }

    package static let percentiles: [(String, Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9), ("p9999", 99.99), ("max", 100),
    ]

    package var json: JSONValue {
        .object(
            [
                ("workload", .string(workload)),
                ("parameters", .object(parameters)),
                ("messagesPerSecond", .figure(messagesPerSecond)),
                ("megabytesPerSecond", .figure(megabytesPerSecond)),
                ("rooflineRatio", .figure(rooflines.first?.ratio)),
                (
                    "latencyNanoseconds",
                    .object(
                        Self.percentiles.map { ($0.0, .integer(latency.value(atPercentile: $0.1))) }
                    )
                ),
                ("allocationsPerMessage", .figure(allocationsPerMessage)),
                ("checked", .bool(checked)),
                ("processorTimeRatio", .figure(processorTimeRatio)), ("rounds", .count(rounds)),
                (
                    "messagesPerSecondRange",
                    messagesPerSecondRange.map {
                        .array([.figure($0.lowerBound), .figure($0.upperBound)])
                    } ?? .null
                ),
                ("latencyOf", .string(latencyMeaning)),
                ("rooflines", .array(rooflines.map(\.json))),
                ("notes", .array(notes.map { .string($0) })),
            ] + more)
    }
}

extension Roofline {
    package var json: JSONValue {
        .object([
            ("name", .string(name)), ("messagesPerSecond", .figure(messagesPerSecond)),
            ("megabytesPerSecond", .figure(megabytesPerSecond)), ("ratio", .figure(ratio)),
        ])
    }
}

extension Collection where Element == Double {
    /// The middle one by size; 0 when there is none.
    package var median: Double {
        let sorted = self.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

/// Rates of rounds in which the store and rooflines took turns.
package struct RoundRates {
    package init() {}

    private var own: [Double] = []
    private var others: [(name: String, rates: [Double])] = []

    package var isEmpty: Bool { own.isEmpty }

    /// Takes one round: messages a second of the store, and of each roofline.
    package mutating func add(_ rate: Double, _ rooflines: [(String, Double)]) {
        own.append(rate)
        for (name, rate) in rooflines {
            if let index = others.firstIndex(where: { $0.name == name }) {
                others[index].rates.append(rate)
            } else {
                others.append((name, [rate]))
            }
        }
    }

    /// Puts the medians into `measurement`; a message has `byteCount` bytes.
    package func fill(_ measurement: inout RunResult, byteCount: Double) {
        measurement.messagesPerSecond = own.median
        measurement.megabytesPerSecond = own.median * byteCount / 1e6
        measurement.rooflines = others.map { name, rates in
            let rate = rates.median
            return Roofline(
                name: name, messagesPerSecond: rate, megabytesPerSecond: rate * byteCount / 1e6,
                ratio: zip(own, rates).map { $0 / $1 }.median)
        }
        measurement.rounds = own.count
        if own.count > 1, let low = own.min(), let high = own.max() {
            measurement.messagesPerSecondRange = low...high
        }
    }
}
