// Properties of messages, encoded as records have them: what the broker adds and takes away.

import ApusFormat

/// Changes of encoded properties.
enum PropertyEdit {
    /// The properties without those of these names, with the separator at their end.
    static func removing(_ names: [String], from properties: RawSpan) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(properties.byteCount + 1)
        Properties.forEach(in: properties) { name, value in
            guard !names.contains(String(decodingUTF8: properties.extracting(name))) else { return }
            bytes.append(contentsOf: [UInt8](properties.extracting(name)))
            bytes.append(Properties.nameEnd)
            bytes.append(contentsOf: [UInt8](properties.extracting(value)))
            bytes.append(Properties.valueEnd)
        }
        return bytes
    }

    /// Appends a property to properties that end with a separator.
    static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(Properties.nameEnd)
        bytes.append(contentsOf: value.utf8)
        bytes.append(Properties.valueEnd)
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
