// The lists of topics: all, of a cluster, of the system, of units.

import ApusRemoting

extension NameServerProcessor {
    /// As RocketMQ says it where a setting forbids a list.
    private static var disabled: Response { Response(.systemError, remark: "disable") }

    func listAllTopics() -> Response {
        guard configuration.listsAllTopics else { return Self.disabled }
        return Self.response(routes { $0.allTopics() })
    }

    func listTopics(ofCluster request: borrowing Request) throws -> Response {
        guard configuration.listsTopics else { return Self.disabled }
        let cluster = try request.string("cluster")
        return Self.response(routes { $0.topics(of: cluster) })
    }

    func listSystemTopics() -> Response { Self.response(routes { $0.systemTopics() }) }

    func listUnitTopics(where fits: (TopicFlag) -> Bool) -> Response {
        guard configuration.listsTopics else { return Self.disabled }
        return Self.response(routes { $0.topics(where: fits) })
    }

    private static func response(_ list: TopicList) -> Response {
        Response(.success, body: list.json.bytes())
    }
}
