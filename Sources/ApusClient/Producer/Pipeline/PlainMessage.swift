// Messages like most: a body, perhaps a tag. They need no look at keys, properties or compression.

internal import ApusFormat
internal import ApusRemoting

/// What a message must keep to so that a pipeline writes it without more ado.
struct PlainLimits: Sendable {
    /// Bytes of the body.
    private let bytes: Range<Int>
    /// Whether somebody wants to know of each message.
    let isObserved: Bool

    init(_ producer: Producer) {
        isObserved = producer.observer != nil
        let configuration = producer.configuration
        // Spans, and signatures over whole requests, are made elsewhere.
        let isPossible = producer.tracing == nil && !producer.core.remoting.isSigning
        let end = min(
            configuration.maximumMessageBytes + 1, configuration.compression?.threshold ?? .max)
        bytes = isPossible ? 1..<max(1, end) : 1..<1
    }

    @inline(__always)
    func holdFor(_ message: borrowing Message) -> Bool {
        bytes.contains(message.body.count) && message.keys.isEmpty && message.properties.isEmpty
            && message.delayLevel == 0 && message.flag == 0
    }
}

/// How the properties of plain messages with one tag end, behind the id.
struct PlainEnd: Sendable {
    private var tag: String?
    private var waits = true
    private(set) var bytes: [UInt8] = []

    @inline(__always)
    func isOf(_ tag: String?, _ waits: Bool) -> Bool {
        !bytes.isEmpty && self.tag == tag && self.waits == waits
    }

    /// Takes note of a message that was checked; the next ones may have the same tag.
    mutating func note(_ message: Message) {
        if isOf(message.tag, message.waitsForStore) { return }
        tag = message.tag
        waits = message.waitsForStore
        bytes = [Properties.valueEnd]
        PropertyText.writeEnd(tag, waits: waits, into: &bytes)
    }
}
