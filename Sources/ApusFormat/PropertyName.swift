// The property names that RocketMQ reserves (`MessageConst`).

/// Reserved names of properties. Applications must not use them for their own.
public enum PropertyName: Sendable {
    /// Words that the message can be found by, separated by spaces.
    @inlinable public static var keys: String { "KEYS" }
    /// The tags for filtering.
    @inlinable public static var tags: String { "TAGS" }
    /// Whether the producer waits until the message is stored: `true` or `false`.
    @inlinable public static var waitsForStore: String { "WAIT" }
    /// The delay level, from 1.
    @inlinable public static var delayLevel: String { "DELAY" }
    /// The topic of a message that waits to be consumed again.
    @inlinable public static var retryTopic: String { "RETRY_TOPIC" }
    /// The topic that a message held back in a system topic belongs to.
    @inlinable public static var realTopic: String { "REAL_TOPIC" }
    /// The queue of that topic.
    @inlinable public static var realQueueID: String { "REAL_QID" }
    /// Marks the prepared half of a transaction.
    @inlinable public static var transactionPrepared: String { "TRAN_MSG" }
    @inlinable public static var producerGroup: String { "PGROUP" }
    /// The queue's smallest offset, as a pull reports it.
    @inlinable public static var minimumOffset: String { "MIN_OFFSET" }
    /// The queue's largest offset, as a pull reports it.
    @inlinable public static var maximumOffset: String { "MAX_OFFSET" }
    @inlinable public static var buyerID: String { "BUYER_ID" }
    /// The id of a message before it was sent back.
    @inlinable public static var originMessageID: String { "ORIGIN_MESSAGE_ID" }
    @inlinable public static var transferFlag: String { "TRANSFER_FLAG" }
    @inlinable public static var correctionFlag: String { "CORRECTION_FLAG" }
    @inlinable public static var mq2Flag: String { "MQ2_FLAG" }
    /// How often a message that was sent as a new one was consumed before.
    @inlinable public static var reconsumeTimes: String { "RECONSUME_TIME" }
    @inlinable public static var region: String { "MSG_REGION" }
    @inlinable public static var traceSwitch: String { "TRACE_ON" }
    /// The id that the producer gave the message: `UniqueID`.
    @inlinable public static var uniqueKey: String { "UNIQ_KEY" }
    @inlinable public static var uniqueInfo: String { "EXTEND_UNIQ_INFO" }
    @inlinable public static var maximumReconsumeTimes: String { "MAX_RECONSUME_TIMES" }
    @inlinable public static var consumeStartTime: String { "CONSUME_START_TIME" }
    /// How many messages an inner batch holds.
    @inlinable public static var innerCount: String { "INNER_NUM" }
    /// The queue offset of an inner batch's first message.
    @inlinable public static var innerFirst: String { "INNER_BASE" }
    @inlinable public static var duplicateInfo: String { "DUP_INFO" }
    /// Before this age a prepared message is not checked.
    @inlinable public static var checkImmunitySeconds: String { "CHECK_IMMUNITY_TIME_IN_SECONDS" }
    @inlinable public static var preparedQueueOffset: String { "TRAN_PREPARED_QUEUE_OFFSET" }
    @inlinable public static var transactionID: String { "__transactionId__" }
    @inlinable public static var transactionCheckTimes: String { "TRANSACTION_CHECK_TIMES" }
    @inlinable public static var instanceID: String { "INSTANCE_ID" }
    /// Ties a reply to its request.
    @inlinable public static var correlationID: String { "CORRELATION_ID" }
    /// The client that waits for the reply.
    @inlinable public static var replyToClient: String { "REPLY_TO_CLIENT" }
    /// How long the requester waits, in milliseconds.
    @inlinable public static var timeToLive: String { "TTL" }
    @inlinable public static var replyArriveTime: String { "ARRIVE_TIME" }
    @inlinable public static var pushReplyTime: String { "PUSH_REPLY_TIME" }
    @inlinable public static var cluster: String { "CLUSTER" }
    @inlinable public static var messageType: String { "MSG_TYPE" }
    @inlinable public static var popCheckpoint: String { "POP_CK" }
    @inlinable public static var popCheckpointOffset: String { "POP_CK_OFFSET" }
    @inlinable public static var firstPopTime: String { "1ST_POP_TIME" }
    @inlinable public static var shardingKey: String { "__SHARDINGKEY" }
    @inlinable public static var forwardQueueID: String { "PROPERTY_FORWARD_QUEUE_ID" }
    @inlinable public static var redirect: String { "REDIRECT" }
    /// Further queues that the message belongs to.
    @inlinable public static var innerMultiDispatch: String { "INNER_MULTI_DISPATCH" }
    /// Its offsets in those.
    @inlinable public static var innerMultiQueueOffset: String { "INNER_MULTI_QUEUE_OFFSET" }
    @inlinable public static var traceContext: String { "TRACE_CONTEXT" }
    @inlinable public static var timerDelaySeconds: String { "TIMER_DELAY_SEC" }
    @inlinable public static var timerDelayMilliseconds: String { "TIMER_DELAY_MS" }
    @inlinable public static var timerDeliverTime: String { "TIMER_DELIVER_MS" }
    @inlinable public static var timerEnqueueTime: String { "TIMER_ENQUEUE_MS" }
    @inlinable public static var timerDequeueTime: String { "TIMER_DEQUEUE_MS" }
    @inlinable public static var timerRollTimes: String { "TIMER_ROLL_TIMES" }
    @inlinable public static var timerOutTime: String { "TIMER_OUT_MS" }
    @inlinable public static var timerDeleteUniqueKey: String { "TIMER_DEL_UNIQKEY" }
    @inlinable public static var timerDelayLevel: String { "TIMER_DELAY_LEVEL" }
    @inlinable public static var bornHost: String { "__BORNHOST" }
    @inlinable public static var bornTimestamp: String { "BORN_TIMESTAMP" }
    /// The checksum over the whole record: `ChecksumProperty`.
    @inlinable public static var checksum: String { "__CRC32#" }
    @inlinable public static var deadLetterOriginTopic: String { "DLQ_ORIGIN_TOPIC" }
    @inlinable public static var deadLetterOriginMessageID: String { "DLQ_ORIGIN_MESSAGE_ID" }
    /// Names that begin with this are not stored.
    @inlinable public static var transientPrefix: String { "__RMQ.TRANSIENT." }
}
