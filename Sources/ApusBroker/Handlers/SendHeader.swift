// The header of a send, in its two spellings: long names (code 10), and one letter each (310, 320).

import ApusFormat
import ApusRemoting

/// What the fields of a send are called. A class, since so much is not copied for each send.
final class SendFieldNames: Sendable {
    let producerGroup, topic, defaultTopic, defaultQueues, properties, unitMode, batch: FieldName
    /// In the order in which `SendNumbers` takes them.
    let numbers: NumberFields

    private init(
        producerGroup: FieldName, topic: FieldName, defaultTopic: FieldName,
        defaultQueues: FieldName, queueID: FieldName, systemFlag: FieldName,
        bornTimestamp: FieldName, flag: FieldName, properties: FieldName,
        reconsumeTimes: FieldName, unitMode: FieldName, maximumReconsumes: FieldName,
        batch: FieldName
    ) {
        self.producerGroup = producerGroup
        self.topic = topic
        self.defaultTopic = defaultTopic
        self.defaultQueues = defaultQueues
        self.properties = properties
        self.unitMode = unitMode
        self.batch = batch
        numbers = NumberFields(
            .int32(queueID), .int32(systemFlag), .int64(bornTimestamp), .int32(flag, or: 0),
            .int32(reconsumeTimes, or: 0), .int32(maximumReconsumes, or: -1))
    }

    static let long = SendFieldNames(
        producerGroup: "producerGroup", topic: "topic", defaultTopic: "defaultTopic",
        defaultQueues: "defaultTopicQueueNums", queueID: "queueId", systemFlag: "sysFlag",
        bornTimestamp: "bornTimestamp", flag: "flag", properties: "properties",
        reconsumeTimes: "reconsumeTimes", unitMode: "unitMode",
        maximumReconsumes: "maxReconsumeTimes", batch: "batch")
    static let short = SendFieldNames(
        producerGroup: "a", topic: "b", defaultTopic: "c", defaultQueues: "d", queueID: "e",
        systemFlag: "f", bornTimestamp: "g", flag: "h", properties: "i", reconsumeTimes: "j",
        unitMode: "k", maximumReconsumes: "l", batch: "m")

    static func names(for code: RequestCode) -> SendFieldNames {
        code == .sendMessage ? long : short
    }

    /// Gives `body` the same without counting references to them.
    @inline(__always)
    static func withNames<Result>(
        for code: RequestCode, _ body: (SendFieldNames) -> Result
    ) -> Result {
        // Safe: both are there as long as the program is.
        let names = unsafe Unmanaged.passUnretained(names(for: code))
        return unsafe names._withUnsafeGuaranteedRef(body)
    }

    static func names(forReply code: RequestCode) -> SendFieldNames {
        code == .sendReplyMessage ? long : short
    }
}

/// The numbers of a send's header. Topic and properties stay where they are in the request.
struct SendNumbers: Sendable {
    let queueID: Int32
    let systemFlag: SystemFlag
    let bornTimestamp: Int64
    let flag: Int32
    let reconsumeTimes: Int32
    let maximumReconsumes: Int32?
    /// The body holds several messages.
    let isBatch: Bool

    init(_ request: borrowing Request, _ names: borrowing SendFieldNames) throws(HeaderError) {
        let numbers = try request.numbers(names.numbers)
        queueID = Int32(truncatingIfNeeded: numbers[0])
        systemFlag = SystemFlag(rawValue: Int32(truncatingIfNeeded: numbers[1]))
        bornTimestamp = numbers[2]
        flag = Int32(truncatingIfNeeded: numbers[3])
        reconsumeTimes = Int32(truncatingIfNeeded: numbers[4])
        let most = Int32(truncatingIfNeeded: numbers[5])
        maximumReconsumes = most < 0 ? nil : most
        // The C++ client says "1", which is false to Java and so to us: one message is stored, as
        // its golden capture has it.
        isBatch = request.bool(names.batch, or: false) || request.code == .sendBatchMessage
    }
}
