// What becomes of a message that is to wait: it goes to the schedule topic, and carries along where
// it belongs.

import ApusFormat
import ApusStore

/// Where a message goes first, and the properties that it goes with.
struct DelayedMessage {
    /// The level, from 1 to the table's highest.
    let level: Int
    /// What stood in the properties, without earlier places, and then where it belongs.
    let properties: [UInt8]

    /// A message of `topic` and `queueID` with these properties; nil when they ask for no delay.
    init?(topic: String, queueID: Int32, properties: RawSpan, table: DelayTable) {
        guard let level = Self.level(of: properties, table: table) else { return nil }
        self.level = level
        self.properties = PropertyEdit.remembering(
            topic: topic, queueID: queueID, in: properties)
    }

    /// The level that the properties ask for; nil when they ask for no delay.
    static func level(of properties: RawSpan, table: DelayTable) -> Int? {
        let scan = PropertyScan(properties)
        guard !scan.delay.isEmpty else { return nil }
        return Int(String(decodingUTF8: properties.extracting(scan.delay)))
            .flatMap { table.level($0) }
    }
}

extension BrokerCore {
    /// Where a message waits that asks for a delay, and its properties there; nil when it asks for
    /// none.
    func delayed(
        topic: String, queueID: Int32, properties: RawSpan
    ) throws(StoreError) -> (queue: MessageQueue, properties: [UInt8])? {
        guard
            let delayed = DelayedMessage(
                topic: topic, queueID: queueID, properties: properties, table: delays)
        else { return nil }
        let queue = try store.queue(
            topic: WellKnownName.schedule, id: DelayTable.queueID(level: delayed.level))
        return (queue, delayed.properties)
    }
}
