// What came and went in the last minute, hour and day: for the broker, its topics, and its groups.
//
// Sends count on their topic; how far groups are stands in the offset table. A timer looks at both
// every ten seconds, so that neither sends nor pulls do anything for it. In memory only.

import ApusRemoting
import ApusServer
import Synchronization

/// What one name counted, and when.
struct TrafficSeries: Sendable {
    private struct Sample: Sendable {
        let time: Int64
        let total: Int64
    }

    /// A span of time that is looked at: how many samples, and each how many ticks apart.
    enum Span: CaseIterable {
        case minute, hour, day

        fileprivate var ticks: Int {
            switch self {
            case .minute: 1
            case .hour: 60
            case .day: 360
            }
        }
        fileprivate var count: Int { self == .day ? 24 : 6 }
    }

    private(set) var total: Int64 = 0
    private var last: Int64
    private var samples: [[Sample]]

    /// Of something that nothing had been counted of at `time`, in milliseconds.
    init(since time: Int64) {
        last = time
        samples = Span.allCases.map { _ in [Sample(time: time, total: 0)] }
    }

    mutating func add(_ count: Int64, at time: Int64, tick: Int) {
        total = total.saturatingAdd(max(0, count))
        last = time
        for (index, span) in Span.allCases.enumerated() where tick % span.ticks == 0 {
            samples[index].append(Sample(time: time, total: total))
            if samples[index].count > span.count + 1 { samples[index].removeFirst() }
        }
    }

    /// How many in a span, and how many a second.
    func figures(_ span: Span) -> (count: Int64, rate: Double) {
        let index = Span.allCases.firstIndex(of: span) ?? 0
        guard let first = samples[index].first else { return (0, 0) }
        let count = total - first.total
        return (count, last > first.time ? Double(count) * 1_000 / Double(last - first.time) : 0)
    }

    /// Whether nothing was counted in a day.
    var isIdle: Bool { figures(.day).count == 0 }
}

/// The series of a broker. Its timer is the only one that adds to it.
final class TrafficHistory: Sendable {
    /// What is counted, by RocketMQ's names.
    enum Name: Hashable, Sendable {
        case brokerPut
        case brokerGet
        case topicPut(String)
        case groupGet(OffsetTable.Key)
    }

    private struct State {
        var series: [Name: TrafficSeries] = [:]
        /// What was seen last of each topic and group.
        var topics: [String: (id: ObjectIdentifier, count: Int64)] = [:]
        var offsets: [OffsetTable.Key: Int64] = [:]
        var broker: (put: Int64, get: Int64) = (0, 0)
        var ticks = 0
        var time: Int64
    }

    private let state: Mutex<State>

    /// `time` is in milliseconds of a clock that never steps back.
    init(time: Int64, offsets: [OffsetTable.Key: [Int32: Int64]] = [:]) {
        state = Mutex(State(offsets: offsets.mapValues(Self.sum), time: time))
    }

    /// Looks at everything. Every ten seconds.
    func tick(
        at time: Int64, topics: [Topic], offsets: [OffsetTable.Key: [Int32: Int64]],
        _ broker: BrokerStatistics
    ) {
        state.withLock { state in
            state.ticks += 1
            defer { state.time = time }
            var counts: [Name: Int64] = [:]
            let put = Int64(broker.messagesIn.load(ordering: .relaxed))
            let get = Int64(broker.messagesOut.load(ordering: .relaxed))
            counts[.brokerPut] = put - state.broker.put
            counts[.brokerGet] = get - state.broker.get
            state.broker = (put, get)
            var seen: [String: (id: ObjectIdentifier, count: Int64)] = [:]
            for topic in topics {
                let count = Int64(topic.messagesIn.load(ordering: .relaxed))
                let known = state.topics[topic.name]
                // A topic that was changed is another object, which counts from 0.
                let before = known?.id == ObjectIdentifier(topic) ? known?.count ?? 0 : 0
                if count > before { counts[.topicPut(topic.name)] = count - before }
                if count > 0 { seen[topic.name] = (ObjectIdentifier(topic), count) }
            }
            state.topics = seen
            let reached = offsets.mapValues(Self.sum)
            for (key, sum) in reached {
                let before = state.offsets[key] ?? sum
                if sum > before { counts[.groupGet(key)] = sum.saturatingSubtract(before) }
            }
            state.offsets = reached
            Self.add(counts, at: time, &state)
        }
    }

    private static func add(_ counts: [Name: Int64], at time: Int64, _ state: inout State) {
        let names = Set(state.series.keys).union(counts.keys)
        for name in names {
            var series = state.series[name] ?? TrafficSeries(since: state.time)
            series.add(counts[name] ?? 0, at: time, tick: state.ticks)
            state.series[name] = series.isIdle ? nil : series
        }
    }

    private static func sum(_ offsets: [Int32: Int64]) -> Int64 {
        offsets.values.reduce(0) { $0.saturatingAdd($1) }
    }

    /// Nil when nothing was counted in a day.
    func series(_ name: Name) -> TrafficSeries? { state.withLock { $0.series[name] } }

    /// Messages a second in the last minute.
    func rate(_ name: Name) -> Double { series(name)?.figures(.minute).rate ?? 0 }
}
