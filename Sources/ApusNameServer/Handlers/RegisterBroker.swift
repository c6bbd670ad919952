// REGISTER_BROKER: a broker says where it is and what it has.

import ApusFormat
import ApusRemoting
import ApusServer
import Logging

extension NameServerProcessor {
    /// Bytes of a body that is read where it arrives, inflated: some 300 topics, a millisecond.
    /// Other connections of the event loop wait for no more.
    private static let briefBody = 64 << 10

    /// nil: answered when the registrar comes to it.
    func registerBroker(
        _ request: borrowing Request, _ connection: Connection
    ) throws -> Response? {
        let envelope = try RegistrationEnvelope(request)
        let length = request.body.byteCount
        let weight = envelope.isCompressed ? RegistrationBody.inflatedBound(length) : length
        if weight <= Self.briefBody, registrar.isIdle {
            return try register(envelope, request.body, connection)
        }
        let body = [UInt8](request.body)
        let refusal = behindRegistrations(request, connection, weight: max(weight, 1)) {
            try $0.register(envelope, body.rawSpan, connection)
        }
        // The broker is alive all the same.
        if refusal != nil { routes { $0.heartbeat(envelope.registration.place, at: now) } }
        return refusal
    }

    /// Answers a request on the registrar's thread, behind what waits there. Not nil: that it must
    /// be asked again, since too much waits. Carried out at once it would come before a
    /// registration that the same broker sent earlier.
    func behindRegistrations(
        _ request: borrowing Request, _ connection: Connection, weight: Int,
        _ answer: @escaping @Sendable (NameServerProcessor) throws -> Response
    ) -> Response? {
        let (code, key) = (request.code, request.replyKey)
        let isTaken = registrar.submit(weight: weight) {
            do {
                connection.respond(to: key, try answer(self))
            } catch {
                self.refuse(code, key, connection, error)
            }
        }
        if isTaken { return nil }
        return Response(
            .systemBusy, remark: "[REJECTREQUEST] too many registrations are to be read: ask again")
    }

    private func register(
        _ envelope: RegistrationEnvelope, _ body: RawSpan, _ connection: Connection
    ) throws -> Response {
        if envelope.checksum != 0, envelope.checksum != CRC32.stored(body) {
            return Response(.systemError, remark: "crc32 not match")
        }
        var registration = envelope.registration
        registration.content = try RegistrationBody.parse(
            body, isCompressed: envelope.isCompressed, brokerVersion: envelope.version)
        let taken = registration
        let connectionID = connection.id
        // Before the table knows it, so that a close that comes now finds it there.
        remember(connection)
        let (outcome, isNew) = routes { table in
            let isNew = table.version(of: taken.place) == nil
            return (table.register(taken, over: connectionID, at: now), isNew)
        }
        removeIfClosed(connection)
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

    /// The queues of all ordered topics, for brokers; nothing when there are none.
    private func orderedTopics() -> [UInt8] {
        guard configuration.sendsOrderToBrokers else { return [] }
        return keyValues.read { $0.json(of: KeyValueNamespace.orderedTopics) }?.bytes(.fastjson)
            ?? []
    }

    private func log(_ event: String, _ registration: BrokerRegistration) {
        logger.info(
            "\(event)",
            metadata: [
                "name": "\(Printable.text(registration.name))", "id": "\(registration.id)",
                "address": "\(Printable.text(registration.place.address))",
                "cluster": "\(Printable.text(registration.place.cluster))",
                "topics": "\(registration.content.topics.count)",
            ])
    }
}

/// What the header of a registration says.
struct RegistrationEnvelope: Sendable {
    /// Without what is in the body.
    let registration: BrokerRegistration
    /// Of the body; 0 where it is not to be checked.
    let checksum: Int32
    let isCompressed: Bool
    /// The ordinal of the broker's version.
    let version: Int32

    init(_ request: borrowing Request) throws {
        var registration = BrokerRegistration(
            name: try Name.check(try request.string("brokerName"), as: "brokerName"),
            id: try request.int64("brokerId"), place: try BrokerPlace(request),
            replicationAddress: try Name.checkBounds(
                try request.string("haServerAddr"), as: "haServerAddr"))
        guard registration.id >= 0 else {
            throw RegistrationError("brokerId is \(registration.id), where 0 is the least")
        }
        registration.timeout = try request.int64(
            "heartbeatTimeoutMillis", or: BrokerRegistration.standardTimeout)
        registration.zone = try request.optionalString("__ZONE_NAME").map {
            try Name.checkBounds($0, as: "__ZONE_NAME")
        }
        if request.bytes("enableActingMaster") != nil {
            registration.actsForMaster = request.bool("enableActingMaster", or: false)
        }
        self.registration = registration
        checksum = try request.int32("bodyCrc32", or: 0)
        isCompressed = request.bool("compressed", or: false)
        version = request.version
    }
}
