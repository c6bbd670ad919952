// GET_ALL_PRODUCER_INFO (328): all producers, group by group.

import ApusRemoting
import ApusSystem
import Synchronization

extension BrokerCore {
    func allProducers() -> Response {
        var table = JSONObject()
        let producers = clients.withLock { $0.producers }
        for (group, clients) in producers.sorted(by: { $0.key < $1.key }) {
            let all = list(clients.values, addressAs: "remoteIP") { client in
                let last = time.wallMilliseconds - (now - client.lastHeartbeat)
                return [("lastUpdateTimestamp", .integer(last))]
            }
            table.append(group, all)
        }
        return Response(json: ["data": .object(table)])
    }
}
