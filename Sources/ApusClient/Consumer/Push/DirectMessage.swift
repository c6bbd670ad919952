// A message that an administrator gives to a handler, past all queues.

internal import ApusFormat
internal import ApusRemoting
internal import ApusSystem

extension WatchedHandler {
    /// Handles the message that came with a request, and answers with what came of it.
    func answer(_ request: BrokerRequest, isOrderly: Bool) async {
        let contents = PulledRecords.read(
            request.command.body, broker: request.command.fields["brokerName"] ?? "",
            bodyLimit: 64 << 20)
        guard let message = contents.messages.first else {
            request.connection.respond(
                to: request.key,
                Response(.systemError, remark: contents.damage ?? "no message came"))
            return
        }
        let start = TimeSource.system.wallMilliseconds
        let failure = await handle([message])
        let fields: JSONObject = [
            "autoCommit": true,
            "consumeResult": failure == nil ? "CR_SUCCESS" : "CR_THROW_EXCEPTION",
            "order": .bool(isOrderly),
            "remark": .string(failure.map { "\($0.error)" } ?? ""),
            "spentTimeMills": .integer(max(0, TimeSource.system.wallMilliseconds - start)),
        ]
        request.connection.respond(
            to: request.key, Response(.success, body: JSON.object(fields).bytes()))
    }
}
