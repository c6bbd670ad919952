// What came of the requests of one connection, or of many.

import Histogram
import NIOCore

/// Counts of one phase. Nothing counts as done but what was acknowledged with success.
struct Tally: Sendable {
    /// Requests that were answered with success.
    var requests = 0
    /// All answers, of whatever kind: those to requests that found nothing have their bytes too.
    var answers = 0
    /// Messages that these stored or brought.
    var messages = 0
    /// Of whole frames, of all requests and answers.
    var bytesOut = 0
    var bytesIn = 0
    /// Answers with another code, by the code.
    var refused: [Int32: Int] = [:]
    /// Requests without an answer when the phase was given up, or the connection closed.
    var unanswered = 0
    /// Requests that were due and were not sent before the phase was given up: what is late is sent
    /// behind the end too.
    var unsent = 0
    /// What was wrong with an answer, the first time.
    var complaint: String?
    /// By the monotonic clock: of the last answer.
    var lastAnswer: Int64 = 0

    var failures: Int { refused.values.reduce(0, +) + unanswered }

    mutating func merge(_ other: Tally) {
        requests += other.requests
        answers += other.answers
        messages += other.messages
        bytesOut += other.bytesOut
        bytesIn += other.bytesIn
        refused.merge(other.refused, uniquingKeysWith: +)
        unanswered += other.unanswered
        unsent += other.unsent
        complaint = complaint ?? other.complaint
        lastAnswer = max(lastAnswer, other.lastAnswer)
    }
}

/// How long things took in one phase, in nanoseconds. All connections of an event loop share one of
/// these: it has half a megabyte.
struct Times: Sendable {
    /// Those of an event loop, on which alone they are looked at.
    typealias OfLoop = NIOLoopBoundBox<Times>

    /// From when a request was due to its answer; of messages with a stamp, to when they came.
    var latency = Histogram()
    /// At a rate, from when a request was due to its sending: what this program adds by itself.
    var lateness = Histogram()

    mutating func merge(_ other: Times) {
        latency.merge(other.latency)
        lateness.merge(other.lateness)
    }
}

/// What an answer says.
enum Answer {
    /// Success, with so many messages.
    case messages(Int)
    /// Nothing there, which is no failure: the end of a queue.
    case nothing
    case refused(Int32)
}

/// RocketMQ's names of the codes that brokers answer with.
enum CodeName {
    private static let names: [Int32: String] = [
        1: "SYSTEM_ERROR", 2: "SYSTEM_BUSY", 3: "REQUEST_CODE_NOT_SUPPORTED",
        10: "FLUSH_DISK_TIMEOUT", 11: "SLAVE_NOT_AVAILABLE", 12: "FLUSH_SLAVE_TIMEOUT",
        13: "MESSAGE_ILLEGAL", 14: "SERVICE_NOT_AVAILABLE", 16: "NO_PERMISSION",
        17: "TOPIC_NOT_EXIST", 20: "PULL_RETRY_IMMEDIATELY", 21: "PULL_OFFSET_MOVED",
        26: "SUBSCRIPTION_GROUP_NOT_EXIST", 215: "FLOW_CONTROL", 1500: "GO_AWAY",
    ]

    static func of(_ code: Int32) -> String { names[code].map { "\(code) \($0)" } ?? "\(code)" }
}
