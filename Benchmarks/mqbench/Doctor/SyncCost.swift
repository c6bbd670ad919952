// What the device was measured to take for making a block durable.

import Bench
import Foundation
import Histogram

/// Latencies of making 4 KiB durable, by the ways there are.
struct SyncCost: Sendable {
    static let block = 4_096

    struct Way: Sendable {
        let name: String
        let latency: Histogram

        var p50: Int64 { latency.value(atPercentile: 50) }
        var p99: Int64 { latency.value(atPercentile: 99) }
    }

    let ways: [Way]

    init(_ ways: [(name: String, latency: Histogram)]) {
        self.ways = ways.map { Way(name: $0.name, latency: $0.latency) }
    }

    /// Measures in a file of its own below `parent`, which is removed.
    static func measure(_ parent: String, seconds: Double) throws -> SyncCost {
        let workplace = try Workplace(parent: parent, needing: 64 << 20)
        let probe = try DeviceProbe(workplace, byteCount: 32 << 20)
        let cost = SyncCost(probe.syncLatencies(block: block, seconds: seconds))
        guard !cost.ways.isEmpty else { throw BenchError("\(parent): nothing can be synced there") }
        return cost
    }

    /// The way with the shortest median.
    var best: Way? { ways.min { $0.p50 < $1.p50 } }
    /// As the store does it: stores, then one sync of the file.
    var own: Way? { ways.first { $0.name == "pwrite, fdatasync" } ?? best }

    var json: JSONValue {
        .array(
            ways.map { way in
                .object([
                    ("way", .string(way.name)), ("p50Nanoseconds", .integer(way.p50)),
                    ("p99Nanoseconds", .integer(way.p99)),
                    ("count", .integer(Int64(way.latency.count))),
                ])
            })
    }
}
