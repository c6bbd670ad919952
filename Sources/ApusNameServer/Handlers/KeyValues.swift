// PUT_KV_CONFIG, GET_KV_CONFIG, DELETE_KV_CONFIG and GET_KVLIST_BY_NAMESPACE.

import ApusFormat
import ApusRemoting
import Logging

extension NameServerProcessor {
    /// Answered when the change is on disk.
    func putKeyValue(_ request: borrowing Request, _ connection: Connection) throws -> Response? {
        let (namespace, key) = (try request.string("namespace"), try request.string("key"))
        let value = try request.string("value")
        return change(
            request.replyKey, connection, "\(namespace)/\(key) put"
        ) {
            $0.put(value, for: key, in: namespace)
        }
    }

    func deleteKeyValue(
        _ request: borrowing Request, _ connection: Connection
    ) throws -> Response? {
        let (namespace, key) = (try request.string("namespace"), try request.string("key"))
        return change(
            request.replyKey, connection, "\(namespace)/\(key) deleted"
        ) {
            $0.remove(key, in: namespace)
        }
    }

    private func change(
        _ key: ReplyKey, _ connection: Connection, _ event: String,
        _ body: @escaping @Sendable (inout KeyValueTable) -> Void
    ) -> Response? {
        let isTaken = writer.submit { [keyValues, logger] in
            do throws(KeyValueChangeError) {
                try keyValues.change(body)
                logger.info(
                    "key-value configuration changed",
                    metadata: [
                        "what": "\(Printable.text(event))", "by": "\(connection.remoteAddress)",
                    ])
                connection.respond(to: key, Response(.success))
            } catch {
                logger.error("\(error)")
                connection.respond(to: key, Response(.systemError, remark: "\(error)"))
            }
        }
        if isTaken { return nil }
        return Response(
            .systemBusy, remark: "[REJECTREQUEST] too many changes wait for the disk: ask again")
    }

    func getKeyValue(_ request: borrowing Request) throws -> Response {
        let (namespace, key) = (try request.string("namespace"), try request.string("key"))
        guard let value = keyValues.read({ $0[namespace, key] }) else {
            return Response(
                .queryNotFound, remark: "No config item, Namespace: \(namespace) Key: \(key)")
        }
        return Response(.success, fields: ["value": value])
    }

    func listKeyValues(_ request: borrowing Request) throws -> Response {
        let namespace = try request.string("namespace")
        guard let list = keyValues.read({ $0.json(of: namespace) }) else {
            return Response(.queryNotFound, remark: "No config item, Namespace: \(namespace)")
        }
        return Response(.success, body: list.bytes(.fastjson))
    }
}
