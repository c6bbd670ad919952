// A record as one JSON object, with everything that RocketMQ's own reading of it gives.

import ApusFormat
import ApusStore

/// Writes records as JSON.
struct RecordJSON {
    let entries: EntryReader
    let body: BodyForm

    /// The object, on one line. `msgId` is the producer's unique id; it is null without one.
    func object(_ record: borrowing LogRecord, _ decoded: DecodedBody) -> String {
        let fields = record.fields
        let flag = fields.systemFlag
        let topic = record.topicName
        let properties = Self.properties(of: record)
        let magic = Int32(bitPattern: record.frame.version.magic)
        let storedDigest = SHA256.hex(record.body)
        let isDispatched = flag.isDispatched
        var members: [(String, String)] = [
            ("physicalOffset", JSONText.number(record.physicalOffset)),
            ("storeSize", JSONText.number(record.frame.totalSize)),
            ("magic", JSONText.number(magic)),
            ("topic", JSONText.string(topic)),
            ("queueId", JSONText.number(fields.queueID)),
            ("queueOffset", JSONText.number(fields.queueOffset)),
            ("offsetMsgId", JSONText.string(messageID(fields, record.physicalOffset))),
            ("msgId", JSONText.string(properties[PropertyName.uniqueKey])),
            ("tags", JSONText.string(properties[PropertyName.tags])),
            ("keys", JSONText.string(properties[PropertyName.keys])),
            ("sysFlag", JSONText.number(flag.rawValue)),
            ("sysFlagAfterDecode", JSONText.number(decoded.systemFlag.rawValue)),
            ("flag", JSONText.number(fields.flag)),
            ("bodyCRC", JSONText.number(fields.bodyChecksum)),
            ("reconsumeTimes", JSONText.number(fields.reconsumeTimes)),
            ("preparedTransactionOffset", JSONText.number(fields.preparedTransactionOffset)),
            ("bornTimestamp", JSONText.number(fields.bornTimestamp)),
            ("storeTimestamp", JSONText.number(fields.storeTimestamp)),
            ("bornHost", JSONText.string(fields.bornHost.description)),
            ("storeHost", JSONText.string(fields.storeHost.description)),
            ("storedBodyLen", JSONText.number(record.frame.bodyLength)),
            ("storedBodySha256", JSONText.string(storedDigest)),
            ("bodyLen", JSONText.number(decoded.byteCount)),
            ("bodySha256", JSONText.string(decoded.digest(orStored: storedDigest))),
        ]
        members += [
            ("properties", properties.object),
            ("rawSha256", JSONText.string(SHA256.hex(record.bytes))),
            ("tagsCode", JSONText.number(entries.tagsCode(of: record))),
            (
                "cq",
                JSONText.string(
                    isDispatched ? "\(topic)/\(fields.queueID)/\(fields.queueOffset)" : nil)
            ),
        ]
        if let text = body.json(decoded, stored: record.body) { members.append(("body", text)) }
        return JSONText.object(members)
    }

    private func messageID(_ fields: RecordFields, _ physicalOffset: Int64) -> String {
        OffsetMessageID(storeHost: fields.storeHost, physicalOffset: physicalOffset).text
    }

    /// The properties by name, ascending; of several with one name the last. Names are told apart
    /// by their bytes: to Swift's strings, two spellings of an accent are equal.
    private static func properties(of record: borrowing LogRecord) -> PropertyValues {
        var values: [[UInt8]: String] = [:]
        for property in Properties.decode(record.properties) {
            values[Array(property.name.utf8)] = property.value
        }
        return PropertyValues(values: values)
    }
}

/// Properties by the bytes of their names.
private struct PropertyValues {
    let values: [[UInt8]: String]

    subscript(name: String) -> String? { values[Array(name.utf8)] }

    /// As a JSON object, names ascending.
    var object: String {
        JSONText.object(
            values.sorted { $0.key.lexicographicallyPrecedes($1.key) }
                .map { (String(decoding: $0.key, as: UTF8.self), JSONText.string($0.value)) })
    }
}
