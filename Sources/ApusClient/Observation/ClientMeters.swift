// Counts and times for whoever collects metrics: the one file that knows swift-metrics.

internal import Metrics
internal import Synchronization

/// Makes meters when they are first needed. Where nobody collects, nothing is counted, and no clock
/// is asked.
final class ClientMeters: Sendable {
    /// Of what goes to a topic, or comes from one to a group.
    struct Topic: Sendable {
        let done, failed: Counter
        let time: Timer
    }

    private let factory: any MetricsFactory
    private let state = Mutex<[String: Topic]>([:])
    /// The group, for consumers.
    private let group: String?

    /// Nil where nobody collects: neither `factory` is given, nor a global one set up.
    init?(_ factory: (any MetricsFactory)?, group: String? = nil) {
        let factory = factory ?? MetricsSystem.factory
        if factory is NOOPMetricsHandler { return nil }
        self.factory = factory
        self.group = group
    }

    private func topic(_ name: String) -> Topic {
        state.withLock { topics in
            if let known = topics[name] { return known }
            let what = group == nil ? "sent" : "consumed"
            var dimensions = [("topic", name)]
            if let group { dimensions.append(("group", group)) }
            let made = Topic(
                done: Counter(
                    label: "apus_client_\(what)_messages", dimensions: dimensions,
                    factory: factory),
                failed: Counter(
                    label: "apus_client_\(what)_failures", dimensions: dimensions,
                    factory: factory),
                time: Timer(
                    label: "apus_client_\(what)_duration", dimensions: dimensions,
                    factory: factory))
            topics[name] = made
            return made
        }
    }

    /// So many messages of a topic went well, so many did not, in so much time.
    func note(_ topic: String, done: Int, failed: Int, in time: Duration?) {
        let meters = self.topic(topic)
        if done > 0 { meters.done.increment(by: done) }
        if failed > 0 { meters.failed.increment(by: failed) }
        if let time { meters.time.recordNanoseconds(time.nanoseconds) }
    }

    /// Messages that a consumer has not consumed yet, of all its queues.
    func note(lag: Double) {
        guard let group else { return }
        Gauge(label: "apus_client_lag_messages", dimensions: [("group", group)], factory: factory)
            .record(lag)
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, isLong) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isLong ? .max : seconds &+ components.attoseconds / 1_000_000_000
    }
}
