// What clients of RocketMQ and Java's servers (5.3.3) said to each other, as Tests/Golden holds it.

import ApusFormat
import ApusRemoting
import Foundation
import TestSupport
import Testing

/// A capture: what happened on which connection, in its order.
struct Conversation {
    enum Server: String, Decodable { case broker, nameserver }
    enum Event: Sendable {
        case opens
        case closes
        /// The client says something: a request, as its bytes came over the wire.
        case asks([UInt8], RemotingCommand)
        /// The server does: an answer, or a request of its own.
        case says(RemotingCommand)
    }
    struct Step: Sendable {
        let server: Server
        /// The port that tells connections apart.
        let client: Int32
        let event: Event
    }

    /// A request: which client's, and its number.
    struct Key: Hashable {
        let client, opaque: Int32
    }
    /// The next offset of a queue.
    struct End {
        let topic: String
        let queue: Int32
        let end: Int64
    }

    let steps: [Step]

    /// `name` is `cpp` or `java`.
    init(_ name: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Golden/rocketmq-5.3.3-\(name)-client.ndjson.gz").standardized
        let text = try #require(try run("/bin/gzip", ["-dc", file.path()]))
        steps = try text.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Line.self, from: $0).step()
        }
    }

    /// How many queues Java's broker had, from the start, of each topic that clients asked for.
    func topics() throws -> [String: Int32] {
        var found: [String: Int32] = [:]
        var asked: [Int32: String] = [:]
        for step in steps where step.server == .nameserver {
            switch step.event {
            case .asks(_, let command) where command.requestCode == .getRouteinfoByTopic:
                asked[command.opaque] = command.fields["topic"]
            case .says(let answer):
                guard let topic = asked.removeValue(forKey: answer.opaque), found[topic] == nil
                else { continue }
                let queues =
                    answer.body.isEmpty
                    ? nil : try JSON(parsing: answer.body.rawSpan)["queueDatas"]?.array?.first
                found[topic] = queues?["writeQueueNums"]?.int32 ?? 0
            default: break
            }
        }
        return found.filter { $0.value > 0 && $0.key != "TBW102" }
    }

    /// Where its queue ended, of each pull that found messages.
    func foundEnds() -> [Key: End] {
        var asked: [Key: RemotingCommand] = [:]
        var ends: [Key: End] = [:]
        for step in steps where step.server == .broker {
            switch step.event {
            case .asks(_, let command):
                asked[Key(client: step.client, opaque: command.opaque)] = command
            case .says(let answer) where answer.remark == "FOUND":
                let key = Key(client: step.client, opaque: answer.opaque)
                guard let pull = asked[key]?.fields, let end = answer.fields["maxOffset"] else {
                    continue
                }
                ends[key] = End(
                    topic: pull["topic"] ?? "", queue: Int32(pull["queueId"] ?? "") ?? 0,
                    end: Int64(end) ?? 0)
            default: break
            }
        }
        return ends
    }

    /// Messages that were there when the capture begins, in the order of their queues: pulled, but
    /// not sent in it.
    func earlierMessages() throws -> [StoredRecord] {
        var sent: Set<String> = []
        var found: [Int64: StoredRecord] = [:]
        for step in steps where step.server == .broker {
            guard case .says(let answer) = step.event else { continue }
            if let id = answer.fields["transactionId"] { sent.insert(id) }
            if answer.remark == "FOUND" {
                for record in try StoredRecord.all(in: answer.body) {
                    found[record.fields.physicalOffset] = record
                }
            }
        }
        return found.values.filter { !sent.contains($0.properties["UNIQ_KEY"] ?? "") }
            .sorted { $0.fields.physicalOffset < $1.fields.physicalOffset }
    }

    private struct Line: Decodable {
        let client: Int32
        let server: Server
        let event: String
        let frame: Data?

        func step() throws -> Step {
            Step(server: server, client: client, event: try content())
        }

        private func content() throws -> Event {
            if event == "open" { return .opens }
            if event == "close" { return .closes }
            let bytes = [UInt8](try #require(frame))
            let command = try RemotingCommand(decoding: bytes.rawSpan)
            return event == "asks" ? .asks(bytes, command) : .says(command)
        }
    }
}
