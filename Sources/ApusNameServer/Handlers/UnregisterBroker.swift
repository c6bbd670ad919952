// UNREGISTER_BROKER: a broker says that it goes.

import ApusRemoting
import Logging

extension NameServerProcessor {
    func unregisterBroker(_ request: borrowing Request) throws -> Response {
        let name = try request.string("brokerName")
        let id = try request.int64("brokerId")
        let place = try BrokerPlace(request)
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
