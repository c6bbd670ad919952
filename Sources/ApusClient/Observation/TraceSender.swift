// Collects trace records and sends them, many in one message, beside what they are about.

internal import ApusFormat
internal import ApusRemoting
internal import ApusSystem
internal import Logging
internal import Synchronization

/// Sends records to the trace topic while somebody runs it. What cannot be sent is dropped: traces
/// must not hold up messages.
final class TraceSender: Sendable {
    private let topic: String
    private let core: ClientCore
    private let waiting = Mutex<[TraceRecord]>([])
    private let bell = Bell()

    /// Records that wait at most; what comes beyond is dropped.
    private static let limit = 8_192
    /// Bytes of a message of records, about.
    private static let messageBytes = 120_000
    private static let interval = Duration.milliseconds(500)

    /// Nil where nothing is traced.
    init?(_ core: ClientCore) {
        guard let topic = core.configuration.traceTopic else { return nil }
        self.topic = topic
        self.core = core
    }

    func note(_ record: TraceRecord) {
        let isMuch = waiting.withLock { waiting in
            if waiting.count < Self.limit { waiting.append(record) }
            return waiting.count == Self.limit / 2
        }
        if isMuch { bell.ring() }
    }

    /// Sends what has come again and again until the task is cancelled; `flush` sends the rest.
    func run() async {
        while !Task.isCancelled {
            await bell.wait(atMost: Self.interval)
            // A cancelled task is told nothing by NameServers.
            if !Task.isCancelled { await flush() }
        }
    }

    func flush() async {
        while true {
            let records = waiting.withLock { waiting -> [TraceRecord] in
                defer { waiting = [] }
                return waiting
            }
            if records.isEmpty { return }
            for part in Self.cut(records) { await send(part) }
        }
    }

    /// So that no message gets too long.
    static func cut(_ records: [TraceRecord]) -> [[TraceRecord]] {
        var parts: [[TraceRecord]] = []
        var size = 0
        for record in records {
            let length = record.text.utf8.count
            if parts.isEmpty || size + length > messageBytes || parts[parts.count - 1].count >= 100
            {
                parts.append([])
                size = 0
            }
            parts[parts.count - 1].append(record)
            size += length
        }
        return parts
    }

    private func send(_ records: [TraceRecord]) async {
        var words: [String] = []
        for word in records.flatMap(\.words) where !words.contains(word) { words.append(word) }
        let now = TimeSource.system.wallMilliseconds
        let properties = Properties.encode([
            Property(name: PropertyName.keys, value: words.joined(separator: " ")),
            Property(name: PropertyName.waitsForStore, value: "false"),
        ])
        do throws(ClientError) {
            let route = try await core.routes.route(
                of: topic, creates: true,
                until: Deadline(after: core.configuration.requestTimeout))
            guard let queue = route.writable.randomElement() else {
                throw ClientError(.noRoute, "sending a trace", "\(topic) has no queue")
            }
            let fields = SendFields(
                group: "_INNER_TRACE_PRODUCER", topic: topic, queue: queue.id,
                bornMilliseconds: now, properties: properties, broker: queue.broker)
            let command = RemotingCommand.request(
                .sendMessageV2, fields: fields.header,
                body: Array(records.map(\.text).joined().utf8))
            let address = try core.master(of: queue.broker, "sending a trace")
            _ = try await core.demand(command, on: address, "sending a trace")
        } catch {
            core.logger.warning(
                "traces of messages were dropped",
                metadata: ["count": "\(records.count)", "reason": "\(error)"])
        }
    }
}
