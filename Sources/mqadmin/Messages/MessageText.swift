// Messages for people and for programs.

import ApusFormat
import ApusRemoting

/// How a body is printed: UTF-8, or hexadecimal digits.
enum BodyFormat: Sendable {
    case text
    case hexadecimal

    /// The form that a flag names; text without one.
    init(_ name: String?) throws(UsageError) {
        switch name?.lowercased() {
        case nil, "utf-8", "utf8": self = .text
        case "hex": self = .hexadecimal
        default:
            throw UsageError("bodies are printed as UTF-8 or as hex, not as \(name ?? "")")
        }
    }

    func text(_ body: [UInt8]) -> String {
        switch self {
        case .text: String(decoding: body, as: UTF8.self)
        case .hexadecimal: Hexadecimal.lowerText(body)
        }
    }
}

extension StoredMessage {
    /// The lines of RocketMQ's queryMsgById. The body stands in the last, where RocketMQ's writes a
    /// file and names it.
    func lines(_ format: BodyFormat, withOffsetID: Bool = true) -> [String] {
        let time = TimeText()
        var rows: [(String, String)] = withOffsetID ? [("OffsetID:", offsetID)] : []
        rows += [
            ("Topic:", topic), ("Tags:", "[\(tags ?? "null")]"), ("Keys:", "[\(keys ?? "null")]"),
            ("Queue ID:", "\(fields.queueID)"), ("Queue Offset:", "\(fields.queueOffset)"),
            ("CommitLog Offset:", "\(fields.physicalOffset)"),
            ("Reconsume Times:", "\(fields.reconsumeTimes)"),
            ("Born Timestamp:", time.fine(fields.bornTimestamp)),
            ("Store Timestamp:", time.fine(fields.storeTimestamp)),
            ("Born Host:", fields.bornHost.description),
            ("Store Host:", fields.storeHost.description),
            ("System Flag:", "\(fields.systemFlag.rawValue)"), ("Properties:", propertiesText),
            ("Message Body:", format.text(body)),
        ]
        return rows.map { "\($0.0.padded(20)) \($0.1)" }
    }

    /// `{name=value, …}`, by name.
    private var propertiesText: String {
        let pairs = properties.sorted { $0.name < $1.name }.map { "\($0.name)=\($0.value)" }
        return "{\(pairs.joined(separator: ", "))}"
    }

    /// The line of RocketMQ's printMsg, without the body as a list of numbers.
    func line(_ broker: String, _ format: BodyFormat?) -> String {
        "MSGID: \(id) MessageExt [brokerName=\(broker), queueId=\(fields.queueID), storeSize="
            + "\(storeSize), queueOffset=\(fields.queueOffset), sysFlag="
            + "\(fields.systemFlag.rawValue), bornTimestamp=\(fields.bornTimestamp), bornHost=/"
            + "\(fields.bornHost), storeTimestamp=\(fields.storeTimestamp), storeHost=/"
            + "\(fields.storeHost), msgId=\(offsetID), commitLogOffset=\(fields.physicalOffset), "
            + "bodyCRC=\(fields.bodyChecksum), reconsumeTimes=\(fields.reconsumeTimes), "
            + "preparedTransactionOffset=\(fields.preparedTransactionOffset), toString()=Message{"
            + "topic='\(topic)', flag=\(fields.flag), properties=\(propertiesText)}] BODY: "
            + (format.map { $0.text(body) } ?? "NOT PRINT BODY")
    }

    /// The members that `mqstore dump --json` has for a record too, under the same names.
    func json(broker: String? = nil, _ format: BodyFormat? = .text) -> JSON {
        var members: JSONObject = [
            "topic": .string(topic), "queueId": .integer(Int64(fields.queueID)),
            "queueOffset": .integer(fields.queueOffset),
            "physicalOffset": .integer(fields.physicalOffset),
            "storeSize": .integer(Int64(storeSize)), "offsetMsgId": .string(offsetID),
            "msgId": .string(id), "tags": tags.map { .string($0) } ?? .null,
            "keys": keys.map { .string($0) } ?? .null,
            "sysFlag": .integer(Int64(fields.systemFlag.rawValue)),
            "flag": .integer(Int64(fields.flag)),
            "bodyCRC": .integer(Int64(fields.bodyChecksum)),
            "reconsumeTimes": .integer(Int64(fields.reconsumeTimes)),
            "preparedTransactionOffset": .integer(fields.preparedTransactionOffset),
            "bornTimestamp": .integer(fields.bornTimestamp),
            "storeTimestamp": .integer(fields.storeTimestamp),
            "bornHost": .string(fields.bornHost.description),
            "storeHost": .string(fields.storeHost.description),
            "properties": .object(
                JSONObject(
                    properties.sorted { $0.name < $1.name }.map { ($0.name, .string($0.value)) })),
        ]
        if let broker { members.append("brokerName", .string(broker)) }
        switch format {
        case nil: break
        case .text:
            // What is no text stays whole as digits.
            if let text = String(validating: body, as: UTF8.self) {
                members.append("body", .string(text))
            } else {
                members.append("bodyHex", .string(Hexadecimal.lowerText(body)))
            }
        case .hexadecimal: members.append("bodyHex", .string(Hexadecimal.lowerText(body)))
        }
        return .object(members)
    }
}
