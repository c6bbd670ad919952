// WIPE_WRITE_PERM_OF_BROKER and ADD_WRITE_PERM_OF_BROKER: an operator takes a broker out of the way
// of producers, and puts it back.

import ApusFormat
import ApusRemoting
import Logging

extension NameServerProcessor {
    func wipeWritePermission(
        _ request: borrowing Request, _ connection: Connection
    ) throws -> Response {
        let name = try request.string("brokerName")
        let count = routes { $0.wipeWritePermission(of: name) }
        log("write permission wiped", name, count, connection)
        return Response(.success, fields: ["wipeTopicCount": "\(count)"])
    }

    func addWritePermission(
        _ request: borrowing Request, _ connection: Connection
    ) throws -> Response {
        let name = try request.string("brokerName")
        let count = routes { $0.addWritePermission(of: name) }
        log("write permission added", name, count, connection)
        return Response(.success, fields: ["addTopicCount": "\(count)"])
    }

    private func log(_ event: String, _ name: String, _ count: Int, _ connection: Connection) {
        logger.notice(
            "\(event)",
            metadata: [
                "broker": "\(Printable.text(name))", "topics": "\(count)",
                "by": "\(connection.remoteAddress)",
            ])
    }
}
