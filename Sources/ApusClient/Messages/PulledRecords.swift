// The body of an answer to a pull, taken apart: records one behind the other, as the broker stores
// them.

internal import ApusFormat

/// Takes records out of what a broker sent.
enum PulledRecords {
    /// What the bytes hold.
    struct Contents {
        var messages: [ReceivedMessage] = []
        /// Why some of the bytes could not be read, if so.
        var damage: String?
    }

    /// All messages that can be read. Compressed bodies stay so until a message is `opened`, with
    /// `bodyLimit` as the limit: a pull may bring many of them. In the retry topic of the
    /// consumer's group (`isRetry`) messages come again that were sent to others.
    static func read(
        _ bytes: [UInt8], broker: String, isRetry: Bool = false, bodyLimit: Int
    ) -> Contents {
        var contents = Contents()
        let count = bytes.count
        var start = 0
        while start < count {
            let outcome = inspect(bytes, start, .bodyChecksum)
            if case .record(let frame) = outcome {
                contents.messages.append(
                    message(bytes, start, frame, broker, isRetry: isRetry, bodyLimit: bodyLimit))
                start += frame.totalSize
                continue
            }
            contents.damage = "\(outcome) at byte \(start) of \(count) from \(broker)"
            // A record with a wrong checksum still says where the next one is.
            guard case .record(let frame) = inspect(bytes, start, []) else { break }
            start += frame.totalSize
        }
        return contents
    }

    private static func inspect(
        _ bytes: [UInt8], _ start: Int, _ checks: RecordChecks
    ) -> RecordOutcome {
        RecordInspection.inspect(bytes.rawSpan, at: start, physicalOffset: 0, checks: checks)
    }

    private static func message(
        _ bytes: [UInt8], _ start: Int, _ frame: RecordFrame, _ broker: String, isRetry: Bool,
        bodyLimit: Int
    ) -> ReceivedMessage {
        var message = ReceivedMessage(bytes: bytes, start: start, frame: frame, broker: broker)
        if BodyCodec(frame.systemFlag) != nil { message.bodyLimit = bodyLimit }
        if isRetry { message.originalTopic = message.property(PropertyName.retryTopic) }
        return message
    }
}
