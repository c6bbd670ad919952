// GET_BROKER_CLUSTER_INFO and GET_BROKER_MEMBER_GROUP: who is there.
//
// Integer keys stay without quotes whoever asks, as RocketMQ has it in these two.

import ApusRemoting

extension NameServerProcessor {
    func clusterInformation() -> Response {
        Response(.success, body: routes { $0.clusterInformation() }.bytes(.fastjson))
    }

    func findMemberGroup(_ request: borrowing Request) throws -> Response {
        let (cluster, name) = (try request.string("clusterName"), try request.string("brokerName"))
        let group = routes { $0.memberGroup(cluster: cluster, name: name) }
        return Response(.success, body: group.bytes(.fastjson))
    }
}
