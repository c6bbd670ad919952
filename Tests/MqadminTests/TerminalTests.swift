// What servers and messages hold cannot drive a terminal, nor forge a line.

import ApusFormat
import ApusRemoting
import Testing

@testable import mqadmin

@Suite("mqadmin on a terminal", .timeLimit(.minutes(1)))
struct TerminalTests {
    /// Clears the screen, with a control sequence of one character too, turns the text round, and
    /// begins a line.
    private static let evil = "x\u{1B}[2J\u{9B}31m\u{202E}\r\nforged"
    private static let printed = #"x\u{1b}[2J\u{9b}31m\u{202e}\u{d}\u{a}forged"#

    /// The text as JSON has it.
    private static let quoted = String(decoding: JSON.string(evil).bytes(), as: UTF8.self)

    private static let script = Script { command, address in
        switch command.requestCode {
        case .getRouteinfoByTopic where command.fields["topic"] == "gone":
            Response(.systemError, remark: evil)
        case .getRouteinfoByTopic:
            .text(
                #"{"brokerDatas":[{"brokerAddrs":{"0":"\#(address)"},"brokerName":\#(quoted),"#
                    + #""cluster":\#(quoted)}],"queueDatas":[{"brokerName":\#(quoted),"perm":6,"#
                    + #""readQueueNums":1,"writeQueueNums":1}]}"#)
        case .getAllTopicListFromNameserver: .text(#"{"topicList":[\#(quoted)]}"#)
        case .queryTopicConsumeByWho: .text(#"{"groupList":[\#(quoted)]}"#)
        case .getBrokerConfig: .text("key=\u{1B}[2J\\r\\nforged")
        case .getBrokerRuntimeInfo: .text(#"{"table":{\#(quoted):\#(quoted)}}"#)
        case .queryConsumeQueue:
            .text(
                #"{"subscriptionData":{"topic":\#(quoted)},"filterData":\#(quoted),"#
                    + #""queueData":[{"msg":\#(quoted)}]}"#)
        case .queryMessage:
            (try? makeRecord(
                topic: "T", body: evil, properties: [("KEYS", evil), ("UNIQ_KEY", "u")])).map {
                    Response(.success, body: $0)
                }
        case .getMinOffset: Response(.success, fields: ["offset": "0"])
        case .getMaxOffset: Response(.success, fields: ["offset": "1"])
        case .pullMessage:
            (try? makeRecord(topic: "T", body: evil, properties: [("TAGS", evil)])).map {
                Response(.success, fields: ["nextBeginOffset": "1"], body: $0)
            }
        default: nil
        }
    }

    @Test("no line that is printed or complained holds a control character, or is forged")
    func lines() async throws {
        try await withServer(Self.script) { address in
            for words in [
                ["topicList"], ["topicRoute", "-t", "T"], ["topicRoute", "-t", "T", "-l"],
                ["topicList", "-c"], ["getBrokerConfig", "-b", address],
                ["brokerStatus", "-b", address], ["queryCq", "-t", "T", "-q", "0", "-i", "0"],
                ["queryMsgByUniqueKey", "-t", "T", "-i", "u"], ["printMsg", "-t", "T"],
                ["topicRoute", "-t", "gone"], ["topicRoute", "--\(Self.evil)"], [Self.evil],
            ] {
                for more in [[], ["--json"]] {
                    let run = await mqadmin(words + more + ["-n", address])
                    let text = run.text + run.complaints
                    #expect(!text.isEmpty, "\(words)")
                    let strange = text.unicodeScalars.filter {
                        $0.properties.generalCategory == .control && $0 != "\n" && $0 != "\t"
                            || $0 == "\u{202E}"
                    }
                    #expect(strange.isEmpty, "\(words + more): \(text)")
                    #expect(
                        !text.split(separator: "\n").contains { $0.hasPrefix("forged") },
                        "\(words + more): \(text)")
                }
            }
        }
    }

    @Test("what cannot be printed is shown by its number, and stays what it is in JSON")
    func escapes() async throws {
        try await withServer(Self.script) { address in
            let list = await mqadmin(["topicList", "-n", address])
            #expect(list.text == Self.printed + "\n")
            let json = try await mqadmin(["topicList", "--json", "-n", address]).json()
            #expect(json == [.string(Self.evil)])
            let message = await mqadmin(
                ["queryMsgByUniqueKey", "-t", "T", "-i", "u", "-n", address])
            #expect(message.lines.contains("Message Body:        \(Self.printed)"))
            #expect(message.lines.contains("Keys:                [\(Self.printed)]"))
        }
    }
}
