// What the workloads other than append have in common: a store that is filled first.

import ApusStore
import Bench

/// How a store is filled.
struct StorePlan: Sendable {
    let settings: RunSettings
    let body: Int
    /// Bytes of records.
    let byteCount: Int
    let configuration: StoreConfiguration

    static let flags = [
        Flag("--body", "BYTES", "bytes of a body; 1k"),
        Flag("--bytes", "BYTES", "how much is in the store, at most 2g; 256m"),
    ]

    init(_ options: Options, body: Int = 1024) throws {
        settings = try RunSettings(options)
        self.body = try options.number("--body", body, in: 8...(1 << 20))
        byteCount = try options.number(
            "--bytes", settings.isSmoke ? 8 << 20 : 256 << 20, in: (1 << 20)...(2 << 30))
        var configuration = settings.isSmoke ? StoreConfiguration.small : StoreConfiguration()
        configuration.commitLog.segmentByteCount = settings.isSmoke ? 4 << 20 : 64 << 20
        configuration.retention.isEnabled = false
        self.configuration = configuration
    }

    /// The same, but nobody flushes while it runs.
    var unflushed: StoreConfiguration {
        var configuration = configuration
        configuration.flush.intervalMilliseconds = 600_000
        configuration.flush.markIntervalMilliseconds = 600_000
        configuration.queues.flushIntervalMilliseconds = 600_000
        configuration.queues.thoroughByteCount = 8 << 30
        return configuration
    }

    static let markMilliseconds: Int64 = 25

    /// The log is flushed and its mark moved, often; queues are not.
    var logFlushed: StoreConfiguration {
        var configuration = unflushed
        configuration.flush.intervalMilliseconds = 20
        configuration.flush.leastPages = 0
        configuration.flush.markIntervalMilliseconds = Self.markMilliseconds
        return configuration
    }

    func parameters(_ more: [(String, JSONValue)]) -> [(String, JSONValue)] {
        more + [
            ("body", .count(body)), ("bytes", .count(byteCount)),
            ("seconds", .figure(settings.seconds)),
        ]
    }

    /// Fills a fresh store of one queue.
    func fill(
        _ workplace: Workplace, _ configuration: StoreConfiguration, keyCount: Int = 0
    ) throws -> StoreRound {
        let messages = SampleMessages(bodyByteCount: body, keyCount: keyCount)
        let round = try StoreRound(workplace, configuration, messages: messages, queueCount: 1)
        try round.warmUp(byteCount / messages.recordByteCount, awaitsSegment: false)
        return round
    }

    func workplace() throws -> Workplace {
        try Workplace(parent: settings.parent, needing: 3 * byteCount + 1 << 30)
    }
}
