// The header of a send (SEND_MESSAGE_V2, SEND_BATCH_MESSAGE, SEND_REPLY_MESSAGE_V2): one letter
// for each field. `PreparedSend` writes the same straight into a connection; a test holds both
// together.
//
//     a  producer group      e  queue             i  properties
//     b  topic               f  system flag       j  times consumed before
//     c  template topic      g  born, ms          k  unit mode
//     d  template queues     h  flag              l  most times      m  batch     n  broker

internal import ApusFormat
internal import ApusRemoting

/// What a send says of its message.
struct SendFields {
    var group: String
    var topic: String
    var queue: Int32
    var systemFlag: Int32 = 0
    var bornMilliseconds: Int64
    var flag: Int32 = 0
    /// As brokers store them.
    var properties: [UInt8]
    var reconsumeTimes = 0
    var maximumRetries: Int?
    var isBatch = false
    var broker: String?

    var header: HeaderFields {
        var fields: HeaderFields = [
            "a": group, "b": topic, "c": TopicName.template, "d": "\(Routes.createdQueues)",
            "e": "\(queue)", "f": "\(systemFlag)", "g": "\(bornMilliseconds)", "h": "\(flag)",
            "i": String(decoding: properties, as: UTF8.self), "j": "\(reconsumeTimes)",
            "k": "false",
        ]
        if let maximumRetries { fields.append("l", maximumRetries) }
        fields.append("m", "\(isBatch)")
        if let broker { fields.append("n", broker) }
        return fields
    }
}
