// What SYNC_FLUSH is measured against besides the bare server: the same store in this process, with
// as many appends under way as the connections have sends, and no wire between.

import ApusBroker
import ApusFormat
import ApusStore
import Bench
import CRoofline
import Foundation

/// A store of its own, of the same settings as the broker's.
final class EmbeddedStore: Sendable {
    private let store: MessageStore
    private let queues: [MessageQueue]
    private let body: [UInt8]
    private let properties: [UInt8]
    private let limit: Int

    /// In a directory that is not there yet, with as many queues, bytes and appends as `plan` says.
    init(_ plan: LoadPlan, path: String) throws {
        let configuration = BrokerConfiguration.underLoad(plan, store: path).store
        let store = try MessageStore.open(path, configuration)
        self.store = store
        queues = try (0..<plan.queues).map { try store.queue(topic: plan.topic, id: Int32($0)) }
        body = (0..<plan.body).map { UInt8(truncatingIfNeeded: $0 & 1) }
        properties = Properties.encode([
            Property(
                name: PropertyName.uniqueKey, value: String(repeating: "0", count: 32)),
            Property(name: "WAIT", value: "true"), Property(name: "TAGS", value: "load"),
        ])
        limit = plan.connections * plan.inFlight
    }

    /// Messages a second over so many seconds, each acknowledged when it is on the device.
    func run(seconds: Double) async throws -> Double {
        try await withCheckedThrowingContinuation { continuation in
            // It waits where it has no room for more, which no task may do.
            Thread.detachNewThread { [self] in
                continuation.resume(with: Result { try append(seconds: seconds) })
            }
        }
    }

    private func append(seconds: Double) throws -> Double {
        let flights = Flights(limit: limit)
        let (body, properties) = (body, properties)
        let start = croofline_now()
        let end = start + Int64(seconds * 1e9)
        var count = 0
        while croofline_now() < end {
            flights.takeOff()
            let called = croofline_now()
            store.append(
                to: queues[count % queues.count], body: body.span.bytes,
                properties: properties.span.bytes
            ) { result in
                flights.land(called: called, complaint: Self.complaint(result))
            }
            count += 1
        }
        try flights.awaitAll()
        return Double(count) * 1e9 / Double(croofline_now() - start)
    }

    private static func complaint(_ result: Result<AppendResult, StoreError>) -> String? {
        switch result {
        case .success(let place): place.status == .stored ? nil : "a sync took too long"
        case .failure(let error): "\(error)"
        }
    }

    func close() throws { try store.close() }
}
