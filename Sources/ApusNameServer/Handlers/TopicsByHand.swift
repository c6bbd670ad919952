// REGISTER_TOPIC_IN_NAMESRV and DELETE_TOPIC_IN_NAMESRV: an operator changes routes.

import ApusFormat
import ApusRemoting
import Logging

extension NameServerProcessor {
    func registerTopic(_ request: borrowing Request) throws -> Response {
        let topic = try Name.check(try request.string("topic"), as: "topic")
        let json = try RegistrationBody.json(request.body, of: "the body")
        guard case .object(let route) = json else {
            throw RegistrationError("the body is not an object")
        }
        var queues: [String: TopicQueues] = [:]
        let entries = route["queueDatas"] ?? .null
        guard entries == .null || entries.array != nil else {
            throw RegistrationError("queueDatas is not an array")
        }
        for entry in entries.array ?? [] {
            guard let name = entry["brokerName"]?.string else {
                throw RegistrationError("an entry of queueDatas names no broker")
            }
            queues[name] = try TopicQueues.parse(entry, key: topic).queues
        }
        let found = queues
        if let unknown = routes({ $0.registerTopic(topic, found) }) {
            // RocketMQ answers success here, and registers those before the unknown one.
            throw RegistrationError(
                "broker \(unknown) is not registered: nothing was changed; see clusterList for"
                    + " those that are")
        }
        return Response(.success)
    }

    func deleteTopic(_ request: borrowing Request) throws -> Response {
        let topic = try request.string("topic")
        let cluster = request.optionalString("clusterName")
        routes { $0.removeTopic(topic, cluster: cluster == "" ? nil : cluster) }
        logger.info(
            "topic deleted from routes",
            metadata: [
                "topic": "\(Printable.text(topic))",
                "cluster": "\(Printable.text(cluster ?? "all"))",
            ])
        return Response(.success)
    }
}
