// GET_ROUTEINFO_BY_TOPIC: where a topic is.

import ApusRemoting
import ApusServer

extension NameServerProcessor {
    /// RocketMQ 4.9.4, since when clients read integer keys in quotes.
    private static let readsStandardJSON: Int32 = 401

    func findRoute(_ request: borrowing Request) throws -> Response {
        let topic = try request.string("topic")
        if configuration.warmsUp, now - began < configuration.warmUpSeconds * 1_000 {
            return Response(.systemError, remark: "name server not ready")
        }
        guard var route = routes({ $0.route(of: topic) }) else {
            // Clients go by the code; people have learned to search for these words.
            return Response(
                .topicNotExist,
                remark: "No topic route info in name server for the topic: \(topic)\nSee"
                    + " https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.")
        }
        if configuration.sendsOrderToClients {
            route.orderConfiguration = keyValues.read { $0[KeyValueNamespace.orderedTopics, topic] }
        }
        if request.bool("__ZONE_MODE", or: false), let zone = request.optionalString("__ZONE_NAME"),
            zone.contains(where: { !$0.isWhitespace })
        {
            route = route.inZone(zone)
        }
        let isStandard =
            request.version >= Self.readsStandardJSON
            || request.bool("acceptStandardJsonOnly", or: false)
        return Response(.success, body: route.json.bytes(isStandard ? .standard : .fastjson))
    }
}
