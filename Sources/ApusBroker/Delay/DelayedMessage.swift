// What becomes of a message that is to wait: it goes to the schedule topic, and carries along where
// it belongs.

import ApusFormat

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

/// Those of messages, as records hold them. A `broker.conf` has properties, too.
typealias MessageProperties = ApusFormat.Properties
/// One of them.
typealias MessageProperty = ApusFormat.Property

/// Changes of encoded properties.
enum PropertyEdit {
    /// The properties without those of these names, with the separator at their end.
    static func removing(_ names: [String], from properties: RawSpan) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(properties.byteCount + 1)
        MessageProperties.forEach(in: properties) { name, value in
            guard !names.contains(String(decodingUTF8: properties.extracting(name))) else { return }
            bytes.append(contentsOf: [UInt8](properties.extracting(name)))
            bytes.append(MessageProperties.nameEnd)
            bytes.append(contentsOf: [UInt8](properties.extracting(value)))
            bytes.append(MessageProperties.valueEnd)
        }
        return bytes
    }

    /// Appends a property to properties that end with a separator.
    static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(MessageProperties.nameEnd)
        bytes.append(contentsOf: value.utf8)
        bytes.append(MessageProperties.valueEnd)
    }

    /// The properties of a message that is held back elsewhere, with the place that it belongs to.
    /// Those named in `without` are left out.
    static func remembering(
        topic: String, queueID: Int32, in properties: RawSpan, without names: [String] = []
    ) -> [UInt8] {
        var bytes = removing(
            [PropertyName.realTopic, PropertyName.realQueueID] + names, from: properties)
        append(PropertyName.realTopic, topic, to: &bytes)
        append(PropertyName.realQueueID, String(queueID), to: &bytes)
        return bytes
    }

    /// Sets a property, whatever it was.
    static func set(_ name: String, _ value: String, in bytes: inout [UInt8]) {
        bytes = removing([name], from: bytes.rawSpan)
        append(name, value, to: &bytes)
    }
}
