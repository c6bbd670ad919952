// A message that has come: a view of the bytes that a pull brought, of which the messages in it
// share one copy.

public import ApusFormat

/// A message as a consumer sees it.
public struct ReceivedMessage: Sendable {
    /// What the pull brought, whole.
    let bytes: [UInt8]
    /// Where the record stands in it.
    let start: Int
    let frame: RecordFrame
    /// The broker that it came from.
    let broker: String
    /// How long the body may become that is still to be decompressed; nil when none is.
    var bodyLimit: Int?
    /// Nil: as it is in the record. Otherwise the body as it was before it was compressed.
    private var inflated: [UInt8]?
    /// Why the body could not be decompressed, if so: `body` is then what was stored.
    public private(set) var bodyError: CompressionError?
    /// What the application sent it to, when it comes again by way of the group's retry topic.
    var originalTopic: String?

    init(bytes: [UInt8], start: Int, frame: RecordFrame, broker: String) {
        self.bytes = bytes
        self.start = start
        self.frame = frame
        self.broker = broker
    }

    /// The message with its body decompressed: as applications get it. Done when one is about to
    /// get it, so that those that wait take no more memory than they came with.
    func opened() -> ReceivedMessage {
        guard let bodyLimit else { return self }
        var message = self
        message.bodyLimit = nil
        guard let codec = BodyCodec(frame.systemFlag) else { return message }
        do throws(CompressionError) {
            message.inflated = try BodyCompression.decode(
                frame.body(in: bytes.rawSpan, at: start), codec: codec, limit: bodyLimit)
        } catch {
            message.bodyError = error
        }
        return message
    }

    private var fields: RecordFields { frame.fields(in: bytes.rawSpan, at: start) }

    /// The topic that it was sent to.
    public var topic: String { originalTopic ?? storedTopic }

    /// The topic that it lies in: of a message that comes again, the group's retry topic.
    public var storedTopic: String {
        String(decodingUTF8: frame.topic(in: bytes.rawSpan, at: start))
    }

    /// The queue that it came from.
    public var queue: MessageQueue {
        MessageQueue(topic: storedTopic, broker: broker, id: fields.queueID)
    }

    public var queueOffset: Int64 {
        RecordLayout.queueOffset.load(from: bytes.rawSpan, at: start)
    }

    /// A copy of the body, decompressed.
    public var body: [UInt8] {
        inflated ?? [UInt8](frame.body(in: bytes.rawSpan, at: start))
    }

    /// The body as text; ill-formed UTF-8 becomes U+FFFD.
    public var text: String { withBody { String(decodingUTF8: $0) } }

    public var bodyByteCount: Int { inflated?.count ?? frame.bodyLength }

    /// The body where it lies, valid within the call.
    public func withBody<Result>(_ read: (RawSpan) throws -> Result) rethrows -> Result {
        if let inflated { return try read(inflated.rawSpan) }
        return try read(frame.body(in: bytes.rawSpan, at: start))
    }

    private var propertyBytes: RawSpan {
        @_lifetime(borrow self) get { frame.properties(in: bytes.rawSpan, at: start) }
    }

    /// All properties, RocketMQ's own among them; of several with one name the last.
    public var properties: [String: String] {
        Dictionary(
            Properties.decode(propertyBytes).map { ($0.name, $0.value) },
            uniquingKeysWith: { $1 })
    }

    public func property(_ name: String) -> String? {
        let bytes = propertyBytes
        return Properties.valueRange(of: name, in: bytes).map {
            String(decodingUTF8: bytes.extracting($0))
        }
    }

    public var tag: String? { property(PropertyName.tags) }

    public var keys: [String] {
        property(PropertyName.keys)?.split(separator: " ").map { String($0) } ?? []
    }

    /// What the producer called it; its place in the broker's log when it has no such id.
    public var id: String { property(PropertyName.uniqueKey) ?? place.text }

    /// Where the broker has it.
    public var place: OffsetMessageID {
        let fields = fields
        return OffsetMessageID(storeHost: fields.storeHost, physicalOffset: fields.physicalOffset)
    }

    /// How often it was delivered before.
    public var reconsumeTimes: Int32 { fields.reconsumeTimes }

    /// When it was sent by its producer's clock, in milliseconds since 1970.
    public var bornTimestamp: Int64 { fields.bornTimestamp }

    /// When it was stored by its broker's clock, in milliseconds since 1970.
    public var storeTimestamp: Int64 { fields.storeTimestamp }

    /// Who sent it.
    public var bornHost: HostAddress { fields.bornHost }

    /// The application's number.
    public var flag: Int32 { fields.flag }
}

extension ReceivedMessage: CustomStringConvertible {
    public var description: String {
        "message \(id) at \(queueOffset) in \(queue), \(bodyByteCount) bytes"
    }
}
