// GET_ALL_PRODUCER_INFO (328): all producers, group by group.

import ApusFormat
import ApusRemoting
import ApusSystem
import Synchronization

extension BrokerCore {
    func allProducers() -> Response {
        var table = JSONObject()
        let producers = clients.withLock { $0.producers }
        for (group, clients) in producers.sorted(by: { $0.key < $1.key }) {
            let open = connections.connections(clients.keys)
            let addresses = Dictionary(open.map { ($0.id, $0.remoteAddress) }) { first, _ in first }
            let list = clients.values.sorted { $0.connection < $1.connection }.map { client in
                let language = Language(rawValue: client.description.language) ?? .other
                let members: JSONObject = [
                    "clientId": .string(client.description.id),
                    "language": .string("\(language.name)"),
                    "lastUpdateTimestamp": .integer(
                        time.wallMilliseconds - (now - client.lastHeartbeat)),
                    "remoteIP": .string(addresses[client.connection]?.description ?? ""),
                    "version": .integer(Int64(client.description.version)),
                ]
                return JSON.object(members)
            }
            table.append(group, .array(list))
        }
        return Response(json: ["data": .object(table)])
    }
}
