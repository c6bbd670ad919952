// What a client tells of itself every 30 seconds, in JSON.

import ApusRemoting

/// A heartbeat, read. Java's enumerations come as words, the C++ client's as numbers.
struct Heartbeat {
    let clientID: String
    var producers: [String] = []
    var consumers: [ConsumerHeartbeat] = []
    /// 0 in a client that always sends all of its subscriptions.
    let fingerprint: Int64

    /// Groups in one heartbeat, and topics in one group, at most.
    static let listLimit = 4_096

    init(_ body: RawSpan) throws(Refusal) {
        let json = try Refusal.json(body)
        guard let id = json["clientID"]?.string, !id.isEmpty, id.utf8.count <= 1_024 else {
            throw Refusal(.systemError, "the heartbeat names no clientID")
        }
        clientID = id
        fingerprint = json["heartbeatFingerprint"]?.int64 ?? 0
        // fastjson writes `isWithoutSub` without its `is`.
        let isShort = (json["withoutSub"] ?? json["isWithoutSub"])?.bool ?? false
        for producer in (json["producerDataSet"]?.array ?? []).prefix(Self.listLimit) {
            if let group = producer["groupName"]?.string { producers.append(group) }
        }
        for consumer in (json["consumerDataSet"]?.array ?? []).prefix(Self.listLimit) {
            guard let group = consumer["groupName"]?.string else { continue }
            consumers.append(
                ConsumerHeartbeat(
                    group: group, consumption: ConsumptionStyle(consumer),
                    subscriptions: isShort ? nil : Self.subscriptions(consumer),
                    isUnit: consumer["unitMode"]?.bool ?? false))
        }
    }

    private static func subscriptions(_ consumer: JSON) -> [Subscription] {
        (consumer["subscriptionDataSet"]?.array ?? []).prefix(listLimit).compactMap { entry in
            Subscription(json: entry)
        }
    }
}

extension Subscription {
    /// A subscription as heartbeats and checks hold it; nil without a topic.
    init?(json: JSON) {
        guard let topic = json["topic"]?.string else { return nil }
        // A class filter ran in a server of its own: here, everything passes.
        let takesAll = json["classFilterMode"]?.bool ?? false
        self.init(
            topic: topic, expression: takesAll ? "*" : json["subString"]?.string ?? "*",
            expressionType: json["expressionType"]?.string ?? Self.tags,
            version: json["subVersion"]?.int64 ?? 0)
    }
}

extension ConsumptionStyle {
    fileprivate init(_ consumer: JSON) {
        self.init()
        type = Self.word(consumer["consumeType"], Self.types) ?? type
        model = Self.word(consumer["messageModel"], Self.models) ?? model
        start = Self.word(consumer["consumeFromWhere"], Self.starts) ?? start
    }

    private static func word(_ value: JSON?, _ words: [String]) -> String? {
        guard let value else { return nil }
        if case .integer(let number) = value {
            return Int(exactly: number).flatMap { words.indices.contains($0) ? words[$0] : nil }
        }
        return value.string.flatMap { words.contains($0) ? $0 : nil }
    }
}
