// UNREGISTER_BROKER: a broker says that it goes.

import ApusFormat
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
        if registrar.isIdle { return unregister(name, id, place) }
        return behindRegistrations(request, connection, weight: 1) {
            $0.unregister(name, id, place)
        }
    }

    private func unregister(_ name: String, _ id: Int64, _ place: BrokerPlace) -> Response {
        let (isGone, announcements) = routes { table in
            let wasThere = table.version(of: place) != nil
            let announcements = table.unregister(name: name, id: id, place)
            return (wasThere && table.version(of: place) == nil, announcements)
        }
        if isGone {
            logger.info(
                "broker unregistered",
                metadata: [
                    "name": "\(Printable.text(name))",
                    "address": "\(Printable.text(place.address))",
                ])
        }
        announcements.forEach(announce)
        return Response(.success)
    }
}
