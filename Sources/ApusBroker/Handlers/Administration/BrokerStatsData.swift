// VIEW_BROKER_STATS_DATA (315): what came and went in the last minute, hour and day.

import ApusRemoting

extension BrokerCore {
    func statisticsData(_ command: RemotingCommand) throws(Refusal) -> Response {
        let name = try command.fields.requiredText("statsName")
        let key = try command.fields.requiredText("statsKey")
        guard let wanted = trafficName(name, key), let series = traffic.series(wanted) else {
            throw Refusal(.systemError, "The stats <\(name)> <\(key)> not exist")
        }
        func item(_ span: TrafficSeries.Span) -> JSON {
            let (count, rate) = series.figures(span)
            // Calls are not counted, so that there is no average of them.
            return .object(["avgpt": .double(0), "sum": .integer(count), "tps": .double(rate)])
        }
        return Response(json: [
            "statsDay": item(.day), "statsHour": item(.hour), "statsMinute": item(.minute),
        ])
    }

    /// What RocketMQ calls so, if it is counted here.
    private func trafficName(_ name: String, _ key: String) -> TrafficHistory.Name? {
        switch name {
        case "TOPIC_PUT_NUMS": return .topicPut(key)
        case "GROUP_GET_NUMS":
            // `topic@group`; neither holds an at sign.
            let parts = key.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { return nil }
            return .groupGet(OffsetTable.Key(topic: parts[0], group: parts[1]))
        case "BROKER_PUT_NUMS": return key == configuration.clusterName ? .brokerPut : nil
        case "BROKER_GET_NUMS": return key == configuration.clusterName ? .brokerGet : nil
        default: return nil
        }
    }

    /// Looks at what came and went. Every ten seconds.
    func countTraffic() {
        traffic.tick(at: now, topics: state.topics.all, offsets: state.offsets.all, statistics)
    }
}
