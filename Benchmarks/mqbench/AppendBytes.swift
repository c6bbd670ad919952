// The bytes that a writer hands to the store, and the call itself.

import ApusFormat
import ApusStore
import Foundation

/// Bodies, properties and a batch of them; each writer has its own, since keys are written into
/// them.
struct AppendBytes {
    private let bodies: [UInt8]
    private var properties: [UInt8]
    private let frames: [UInt8]
    private let kinds: Int
    private let bodyByteCount: Int
    private let propertiesByteCount: Int
    private let keyCount: Int
    private let plants: Bool

    /// `plants` allocates once for each call.
    init(_ messages: SampleMessages, batch: Int, plants: Bool) {
        bodies = messages.bodies
        properties = messages.properties
        kinds = messages.kinds
        bodyByteCount = messages.bodyByteCount
        propertiesByteCount = messages.propertiesByteCount
        keyCount = messages.keyCount
        self.plants = plants
        frames = batch > 1 ? Self.frames(messages, batch) : []
    }

    /// One batch as a client encodes it.
    private static func frames(_ messages: SampleMessages, _ batch: Int) -> [UInt8] {
        var frames: [UInt8] = []
        let bodies = messages.bodies
        let properties = messages.properties
        let length = messages.propertiesByteCount
        let size = messages.bodyByteCount
        for index in 0..<batch {
            let kind = index & (messages.kinds - 1)
            ClientBatch.encode(
                flag: 0, body: bodies.span.bytes.extracting(kind * size..<(kind + 1) * size),
                properties: properties.span.bytes.extracting(kind * length..<(kind + 1) * length),
                into: &frames)
        }
        return frames
    }

    /// Appends message `number`.
    @inline(__always)
    mutating func append(
        _ number: Int, to queue: MessageQueue, of store: MessageStore,
        _ attributes: MessageAttributes
    ) throws {
        let kind = number & (kinds - 1)
        if keyCount > 0 { setKeys(number, kind: kind) }
        if plants { free(malloc(24)) }
        let body = kind * bodyByteCount
        let start = kind * propertiesByteCount
        try store.append(
            to: queue, body: bodies.span.bytes.extracting(body..<body + bodyByteCount),
            properties: properties.span.bytes.extracting(start..<start + propertiesByteCount),
            attributes: attributes)
    }

    /// Appends the batch.
    @inline(__always)
    func appendBatch(to queue: MessageQueue, of store: MessageStore) throws {
        if plants { free(malloc(24)) }
        try store.append(to: queue, batch: frames.span.bytes)
    }

    /// Appends message `number`; `completion` is called when it is stored as the flush mode
    /// promises.
    mutating func append(
        _ number: Int, to queue: MessageQueue, of store: MessageStore,
        completion: @escaping @Sendable (Result<AppendResult, StoreError>) -> Void
    ) {
        let kind = number & (kinds - 1)
        if keyCount > 0 { setKeys(number, kind: kind) }
        let body = kind * bodyByteCount
        let start = kind * propertiesByteCount
        store.append(
            to: queue, body: bodies.span.bytes.extracting(body..<body + bodyByteCount),
            properties: properties.span.bytes.extracting(start..<start + propertiesByteCount),
            completion: completion)
    }

    /// Writes the number of a message into its keys: twelve digits of base 16.
    private mutating func setKeys(_ number: Int, kind: Int) {
        for key in 0..<keyCount {
            var left = number
            var place = kind * propertiesByteCount + 5 + 17 * key + 15
            for _ in 0..<12 {
                let digit = UInt8(truncatingIfNeeded: left & 15)
                properties[place] = digit < 10 ? 48 + digit : 87 + digit
                left >>= 4
                place -= 1
            }
        }
    }
}
