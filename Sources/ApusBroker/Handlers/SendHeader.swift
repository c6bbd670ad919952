// The header of a send, in its two spellings: long names (code 10), and one letter each (310, 320).

import ApusFormat
import ApusRemoting

/// What the fields of a send are called. A class, since so much is not copied for each send.
final class SendFieldNames: Sendable {
    let producerGroup, topic, defaultTopic, defaultQueues, queueID, systemFlag: FieldName
    let bornTimestamp, flag, properties, reconsumeTimes, unitMode, maximumReconsumes: FieldName
    let batch: FieldName

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
        self.queueID = queueID
        self.systemFlag = systemFlag
        self.bornTimestamp = bornTimestamp
        self.flag = flag
        self.properties = properties
        self.reconsumeTimes = reconsumeTimes
        self.unitMode = unitMode
        self.maximumReconsumes = maximumReconsumes
        self.batch = batch
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

    init(_ request: borrowing Request, _ names: SendFieldNames) throws(HeaderError) {
        queueID = try request.int32(names.queueID)
        systemFlag = SystemFlag(rawValue: try request.int32(names.systemFlag))
        bornTimestamp = try request.int64(names.bornTimestamp)
        flag = try request.int32(names.flag, or: 0)
        reconsumeTimes = try request.int32(names.reconsumeTimes, or: 0)
        let most = try request.int32(names.maximumReconsumes, or: -1)
        maximumReconsumes = most < 0 ? nil : most
        // The C++ client says "1", which is false to Java and so to us: one message is stored, as
        // its golden capture has it.
        isBatch = request.bool(names.batch, or: false) || request.code == .sendBatchMessage
    }
}
