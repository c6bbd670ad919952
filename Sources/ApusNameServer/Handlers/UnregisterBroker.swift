// UNREGISTER_BROKER: a broker says that it goes.

import ApusRemoting
import Logging

extension NameServerProcessor {
    /// nil: it is answered behind a registration of the broker's that is being read.
    func unregisterBroker(
        _ request: borrowing Request, _ connection: Connection
    ) throws -> Response? {
        let name = try request.string("brokerName")
        let id = try request.int64("brokerId")
        let place = try BrokerPlace(request)
        if !registrar.isIdle {
            let isTaken = behindRegistrations(request, connection, weight: 1) {
                $0.unregister(name, id, place)
            }
            if isTaken { return nil }
        }
        return unregister(name, id, place)
    }

    private func unregister(_ name: String, _ id: Int64, _ place: BrokerPlace) -> Response {
        let (wasThere, announcements) = routes { table in
            let wasThere = table.version(of: place) != nil
            return (wasThere, table.unregister(name: name, id: id, place))
        }
        if wasThere {
            logger.info(
                "broker unregistered", metadata: ["name": "\(name)", "address": "\(place.address)"])
        }
        announcements.forEach(announce)
        return Response(.success)
    }
}
