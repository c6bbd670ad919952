// One server of several that is gone, or refuses: what the others have is shown, and what was not
// done is said.

import ApusRemoting
import Synchronization
import Testing

@testable import mqadmin

/// What a server was asked, by codes and a field of each.
private final class Asked: Sendable {
    private let kept = Mutex<[String]>([])
    var all: [String] { kept.withLock { $0 } }

    func note(_ command: RemotingCommand, _ field: String) {
        kept.withLock { $0.append("\(command.code) \(command.fields[field] ?? "")") }
    }
}

@Suite("mqadmin and servers of which some fail", .timeLimit(.minutes(1)))
struct PartialAnswerTests {
    /// Nobody listens there.
    private static let nobody = "127.0.0.1:1"

    private static func clusters(_ addresses: [String]) -> Response {
        let brokers = addresses.enumerated().map { place, address in
            #""b\#(place)":{"brokerAddrs":{0:"\#(address)"},"brokerName":"b\#(place)"}"#
        }
        let names = addresses.indices.map { #""b\#($0)""# }
        return .text(
            #"{"brokerAddrTable":{\#(brokers.joined(separator: ","))},"#
                + #""clusterAddrTable":{"C":[\#(names.joined(separator: ","))]}}"#)
    }

    @Test("a group's topics stay while a broker keeps the group")
    func deletingGroups() async throws {
        let asked = Asked()
        let refusing = Script { command, _ in
            asked.note(command, "topic")
            return Response(.systemError, remark: "not now")
        }
        try await withServer(refusing) { stubborn in
            let willing = Script { command, address in
                asked.note(command, "topic")
                return command.requestCode == .getBrokerClusterInfo
                    ? Self.clusters([address, stubborn]) : Response(.success)
            }
            try await withServer(willing) { address in
                let run = await mqadmin(["deleteSubGroup", "-c", "C", "-g", "g", "-n", address])
                #expect(run.code == 2 && run.lines.count == 1)
                #expect(run.complaints.contains("not now"))
                #expect(run.complaints.contains("%RETRY%g and %DLQ%g stay"))
            }
        }
        #expect(asked.all == ["106 ", "207 ", "207 "])
    }

    @Test("how far a group is is told by the brokers that are there")
    func progress() async throws {
        let script = Script { command, address in
            switch command.requestCode {
            case .getRouteinfoByTopic: .route([Self.nobody, address])
            case .getConsumeStats:
                .text(
                    #"{"offsetTable":{{"brokerName":"b2","queueId":0,"topic":"T"}:"#
                        + #"{"brokerOffset":9,"consumerOffset":4}}}"#)
            default: nil
            }
        }
        try await withServer(script) { address in
            let run = await mqadmin(["consumerProgress", "-g", "g", "-n", address])
            #expect(run.code == 2 && run.complaints.contains(Self.nobody))
            #expect(run.lines.suffix(2).first == "Consume Diff Total: 5")
        }
    }

    @Test("messages are found at the brokers that are there")
    func finding() async throws {
        let record = try makeRecord(topic: "T", properties: [("KEYS", "k"), ("UNIQ_KEY", "u")])
        let script = Script { command, address in
            switch command.requestCode {
            case .getRouteinfoByTopic: .route([Self.nobody, address])
            case .queryMessage: Response(.success, body: record)
            case .queryTopicConsumeByWho: .text(#"{"groupList":[]}"#)
            default: nil
            }
        }
        try await withServer(script) { address in
            for words in [
                ["queryMsgByKey", "-t", "T", "-k", "k"], ["queryMsgById", "-t", "T", "-i", "u"],
                ["queryMsgByUniqueKey", "-t", "T", "-i", "u"],
            ] {
                let run = await mqadmin(words + ["-n", address])
                #expect(run.code == 2 && run.complaints.contains(Self.nobody), "\(words)")
                #expect(run.text.contains(words[0] == "queryMsgByKey" ? "u" : "Tags:"), "\(words)")
            }
        }
    }

    @Test("an ordered topic's queues are told to the NameServers that are there")
    func ordering() async throws {
        let asked = Asked()
        let script = Script { command, address in
            asked.note(command, "value")
            return command.requestCode == .getBrokerClusterInfo
                ? Self.clusters([address]) : Response(.success)
        }
        try await withServer(script) { address in
            let run = await mqadmin([
                "updateTopic", "-c", "C", "-t", "T", "-o", "true", "-n",
                "\(Self.nobody);\(address)",
            ])
            #expect(run.code == 2 && run.complaints.contains(Self.nobody))
            #expect(run.lines.last?.hasPrefix("TopicConfig [topicName=T") == true)
        }
        #expect(asked.all.last == "100 b0:8")
    }

    @Test("offsets are set queue by queue where a broker wants the group's clients and has none")
    func resetting() async throws {
        let asked = Asked()
        let script = Script { command, address in
            switch command.requestCode {
            case .getRouteinfoByTopic: return .route(address, queues: 4)
            case .invokeBrokerToResetOffset:
                return Response(.consumerNotOnline, remark: "Consumer not online")
            case .searchOffsetByTimestamp: return Response(.success, fields: ["offset": "50"])
            case .queryConsumerOffset:
                // Behind, ahead, and nothing committed.
                let known = ["0": "40", "1": "60"][command.fields["queueId"] ?? ""]
                return known.map { Response(.success, fields: ["offset": $0]) }
                    ?? Response(.queryNotFound, remark: "Not found")
            case .updateConsumerOffset:
                asked.note(command, "queueId")
                return command.fields["queueId"] == "2"
                    ? Response(.systemError, remark: "no") : Response(.success)
            default: return nil
            }
        }
        try await withServer(script) { address in
            let words = ["resetOffsetByTime", "-g", "g", "-t", "T", "-s", "1000", "-n", address]
            let forced = await mqadmin(words)
            #expect(forced.code == 2 && forced.complaints.contains("refused"))
            #expect(
                forced.cells.suffix(3) == [["b", "0", "50"], ["b", "1", "50"], ["b", "3", "50"]])
            #expect(asked.all == ["15 0", "15 1", "15 2", "15 3"])
            // Not ahead of where the group is: each row says where it is then.
            let gentle = await mqadmin(words + ["-f", "false"])
            #expect(gentle.code == 0 && gentle.complaints == "")
            #expect(
                gentle.cells.suffix(4) == [
                    ["b", "0", "40"], ["b", "1", "50"], ["b", "2", "0"], ["b", "3", "0"],
                ])
            #expect(asked.all.dropFirst(4) == ["15 1"])
        }
    }

    @Test("what changed nothing does not end as done")
    func nothingDone() async throws {
        let script = Script { command, address in
            switch command.requestCode {
            case .getRouteinfoByTopic:
                // A slave alone has it.
                .text(
                    #"{"brokerDatas":[{"brokerAddrs":{"1":"\#(address)"},"brokerName":"b"}],"#
                        + #""queueDatas":[]}"#)
            case .wipeWritePermOfBroker: Response(.success, fields: ["wipeTopicCount": "0"])
            case .addWritePermOfBroker: Response(.success, fields: ["addTopicCount": "0"])
            case .queryMessage:
                (try? makeRecord(topic: "T", properties: [("UNIQ_KEY", "u")], storeHost: address))
                    .map { Response(.success, body: $0) }
            case .consumeMessageDirectly: .text(#"{"consumeResult":"CR_LATER","remark":null}"#)
            default: nil
            }
        }
        try await withServer(script) { address in
            let clone = await mqadmin(
                ["cloneGroupOffset", "-s", "a", "-d", "b", "-t", "T", "-n", address])
            #expect(clone.code == 2 && clone.text == "")
            #expect(clone.complaints.contains("no master has the topic T"))
            for name in ["wipeWritePerm", "addWritePerm"] {
                let run = await mqadmin([name, "-b", "nobody", "-n", address])
                #expect(run.code == 2 && run.text.contains("OK, 0"))
                #expect(run.complaints.contains("\(address) has no topics of a broker nobody"))
            }
            for words in [["queryMsgById"], ["queryMsgByUniqueKey"]] {
                let consumed = await mqadmin(
                    words + ["-t", "T", "-i", "u", "-g", "g", "-d", "c", "-n", address])
                #expect(consumed.code == 2, "\(consumed.text)")
            }
        }
    }
}
