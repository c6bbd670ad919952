// A message taken out of the log: a value of its own, with the body as the producer sent it.

public import ApusFormat

/// A message that was read, copied out of the store.
public struct StoredMessage: Hashable, Sendable {
    public let topic: String
    public let fields: RecordFields
    /// The body after decompression.
    public let body: [UInt8]
    public let properties: [Property]
    /// Bytes of the record.
    public let byteCount: Int

    public var queueID: Int32 { fields.queueID }
    public var queueOffset: Int64 { fields.queueOffset }
    public var physicalOffset: Int64 { fields.physicalOffset }
    public var storeTimestamp: Int64 { fields.storeTimestamp }
    public var bornTimestamp: Int64 { fields.bornTimestamp }
    /// The property TAGS.
    public var tags: String? { property(PropertyName.tags) }
    /// The words of the property KEYS.
    public var keys: [String] {
        (property(PropertyName.keys) ?? "").split(separator: " ").map(String.init)
    }
    /// RocketMQ's offset message id.
    public var messageID: OffsetMessageID {
        OffsetMessageID(storeHost: fields.storeHost, physicalOffset: fields.physicalOffset)
    }

    /// The value of a property; the last one of that name counts.
    public func property(_ name: String) -> String? {
        properties.last { $0.name == name }?.value
    }

    /// The most bytes that a body may have after decompression, 64 MiB: more is taken for an
    /// attack.
    public static let decodedBodyLimit = 64 << 20

    /// Copies and decodes a record. Fails when the body cannot be decompressed.
    public init(_ record: RecordView) throws(StoreError) {
        topic = String(decodingUTF8: record.topic)
        fields = record.fields
        properties = Properties.decode(record.properties)
        byteCount = record.frame.totalSize
        if let codec = BodyCodec(record.frame.systemFlag) {
            do throws(CompressionError) {
                body = try BodyCompression.decode(
                    record.body, codec: codec, limit: Self.decodedBodyLimit)
            } catch {
                throw .undecodableBody(physicalOffset: fields.physicalOffset, cause: error)
            }
        } else {
            body = [UInt8](record.body)
        }
    }
}
