// BROKER_HEARTBEAT: a broker is alive. And QUERY_DATA_VERSION: it is, and asks whether its topics
// are on record as they are.

import ApusRemoting
import ApusServer

extension NameServerProcessor {
    func heartbeat(_ request: borrowing Request) throws -> Response {
        let place = try BrokerPlace(request)
        routes { $0.heartbeat(place, at: now) }
        return Response(.success)
    }

    func queryDataVersion(_ request: borrowing Request) throws -> Response {
        let place = try BrokerPlace(request)
        // Who says none has changed.
        let version: DataVersion? =
            request.body.isEmpty
            ? nil
            : try RegistrationBody.dataVersion(
                try RegistrationBody.json(request.body, of: "dataVersion"))
        let known = routes { table in
            table.heartbeat(place, at: now)
            return table.version(of: place)
        }
        return Response(
            .success, fields: ["changed": known != nil && known == version ? "false" : "true"],
            body: known?.json.bytes() ?? [])
    }
}
