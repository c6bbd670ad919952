// REGISTER_BROKER: a broker says where it is and what it has.

import ApusFormat
import ApusRemoting
import Logging

extension NameServerProcessor {
    func registerBroker(
        _ request: borrowing Request, _ connection: Connection
    ) throws -> Response {
        let checksum = try request.int32("bodyCrc32", or: 0)
        if checksum != 0, checksum != CRC32.stored(request.body) {
            return Response(.systemError, remark: "crc32 not match")
        }
        let registration = try Self.registration(in: request)
        let connectionID = connection.id
        // Before the table knows it, so that a close that comes now finds it there.
        remember(connection)
        let (outcome, isNew) = routes { table in
            let isNew = table.version(of: registration.place) == nil
            return (table.register(registration, over: connectionID, at: now), isNew)
        }
        switch outcome {
        case .unknownBroker:
            return Response(
                .systemError,
                remark: "register broker failed: \(registration.name) names one topic before it has"
                    + " registered with all of them")
        case .outdated:
            log("broker outdated: another one has its place", registration)
            return Response(.success, body: orderedTopics())
        case .registered(let master, let announcements):
            if isNew { log("broker registered", registration) }
            announcements.forEach(announce)
            var fields: HeaderFields = [:]
            if let master {
                if let address = master.replicationAddress {
                    fields.append("haServerAddr", address)
                }
                fields.append("masterAddr", master.address)
            }
            return Response(.success, fields: fields, body: orderedTopics())
        }
    }

    private static func registration(
        in request: borrowing Request
    ) throws -> BrokerRegistration {
        var registration = BrokerRegistration(
            name: try Name.check(try request.string("brokerName"), as: "brokerName"),
            id: try request.int64("brokerId"), place: try BrokerPlace(request),
            replicationAddress: try request.string("haServerAddr"))
        guard registration.id >= 0 else {
            throw RegistrationError("brokerId is \(registration.id), where 0 is the least")
        }
        registration.timeout = try request.int64(
            "heartbeatTimeoutMillis", or: BrokerRegistration.standardTimeout)
        registration.zone = request.optionalString("__ZONE_NAME")
        if request.bytes("enableActingMaster") != nil {
            registration.actsForMaster = request.bool("enableActingMaster", or: false)
        }
        registration.content = try RegistrationBody.parse(
            request.body, isCompressed: request.bool("compressed", or: false),
            brokerVersion: request.version)
        return registration
    }

    /// The queues of all ordered topics, for brokers; nothing when there are none.
    private func orderedTopics() -> [UInt8] {
        guard configuration.sendsOrderToBrokers else { return [] }
        return keyValues.read { $0.json(of: KeyValueTable.orderNamespace) }?.bytes(.fastjson) ?? []
    }

    private func log(_ event: String, _ registration: BrokerRegistration) {
        logger.info(
            "\(event)",
            metadata: [
                "name": "\(registration.name)", "id": "\(registration.id)",
                "address": "\(registration.place.address)",
                "cluster": "\(registration.place.cluster)",
                "topics": "\(registration.content.topics.count)",
            ])
    }
}
