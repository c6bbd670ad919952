// RocketMQ's message trace: what became of a message, as text that its tools read.
//
// Fields end with 01, records with 02. Tools find them by the ids and keys of the messages, which
// are the keys of the message that carries the records.

internal import ApusFormat

/// One event in the life of a message.
enum TraceRecord: Sendable {
    /// It was sent.
    case published(Published)
    /// A handler got it.
    case handling(Handling)
    /// The handler is done with it.
    case handled(Handling, milliseconds: Int64, isDone: Bool, at: Int64)
    /// A producer told how its transaction ended.
    case ended(Published, commits: Bool, isFromCheck: Bool)

    struct Published: Sendable {
        var at: Int64
        var group: String
        var topic: String
        var id: String
        var tag: String
        var keys: String
        var address: String
        var bodyByteCount: Int
        var milliseconds: Int64
        var kind: Kind
        var place: String
        var isStored: Bool
    }

    struct Handling: Sendable {
        var at: Int64
        var group: String
        /// Pairs the two records of one handling.
        var request: String
        var id: String
        var times: Int32
        var keys: String
    }

    /// RocketMQ's `MessageType`, by its number.
    enum Kind: Int, Sendable {
        case normal, half, committed, delayed, ordered
    }

    private static let fieldEnd = "\u{1}"
    private static let recordEnd = "\u{2}"
    /// Where RocketMQ's clients have the region of the broker.
    private static let region = "DefaultRegion"

    var text: String {
        let fields: [String]
        switch self {
        case .published(let sent):
            fields = [
                "Pub", "\(sent.at)", Self.region, sent.group, sent.topic, sent.id, sent.tag,
                sent.keys, sent.address, "\(sent.bodyByteCount)", "\(sent.milliseconds)",
                "\(sent.kind.rawValue)", sent.place, "\(sent.isStored)",
            ]
        case .handling(let one):
            fields = [
                "SubBefore", "\(one.at)", Self.region, one.group, one.request, one.id,
                "\(one.times)", one.keys,
            ]
        case .handled(let one, let milliseconds, let isDone, let time):
            // 0 is SUCCESS, 4 FAILED.
            fields = [
                "SubAfter", one.request, one.id, "\(milliseconds)", "\(isDone)", one.keys,
                isDone ? "0" : "4", "\(time)",
            ]
        case .ended(let half, let commits, let isFromCheck):
            fields = [
                "EndTransaction", "\(half.at)", Self.region, half.group, half.topic, half.id,
                half.tag, half.keys, half.address, "\(Kind.committed.rawValue)", half.id,
                commits ? "COMMIT_MESSAGE" : "ROLLBACK_MESSAGE", "\(isFromCheck)",
            ]
        }
        return fields.joined(separator: Self.fieldEnd) + Self.recordEnd
    }

    /// What it is to be found by.
    var words: [String] {
        let (id, keys): (String, String) =
            switch self {
            case .published(let sent), .ended(let sent, _, _): (sent.id, sent.keys)
            case .handling(let one), .handled(let one, _, _, _): (one.id, one.keys)
            }
        return [id] + keys.split(separator: " ").map { String($0) }
    }
}
