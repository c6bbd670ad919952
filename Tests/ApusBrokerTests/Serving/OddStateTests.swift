// What administrators are told where the files of another broker hold numbers that nobody needs.

import ApusFormat
import ApusRemoting
import Foundation
import TestSupport
import Testing

@testable import ApusBroker

@Suite("a broker whose files hold odd numbers") struct OddStateTests {
    @Test("answers, and has as many queues as it can")
    func numbers() async throws {
        let directory = try TemporaryDirectory()
        let config = "\(directory.path)/store/config"
        try FileManager.default.createDirectory(
            atPath: config, withIntermediateDirectories: true)
        let topics = """
            {"dataVersion":{"counter":1,"stateVersion":0,"timestamp":0},"topicConfigTable":{\
            "Few":{"readQueueNums":-2147483648,"writeQueueNums":-1}}}
            """
        try Data(topics.utf8).write(to: URL(filePath: "\(config)/topics.json"))
        let levels = #"{"offsetTable":{"-2147483648":5,"2147483647":6}}"#
        try Data(levels.utf8).write(to: URL(filePath: "\(config)/delayOffset.json"))
        try await withBroker(in: directory) { _ in
        } _: { client in
            let information = try await client.ask(.getBrokerRuntimeInfo)
            let table = try JSON(parsing: information.body.rawSpan)["table"]
            #expect(table?["scheduleMessageOffset_-2147483648"] == "5,0")
            let names: HeaderFields = [
                "topic": "Few", "group": "TOOLS_CONSUMER", "consumerGroup": "TOOLS_CONSUMER",
                "timestamp": "0",
            ]
            _ = try await client.ask(
                .updateConsumerOffset,
                [
                    "consumerGroup": "TOOLS_CONSUMER", "topic": "Few", "queueId": "0",
                    "commitOffset": "1",
                ])
            for code in [
                .getTopicStatsInfo, .getConsumeStats, .queryConsumeTimeSpan,
                .invokeBrokerToResetOffset,
            ] as [RequestCode] {
                let report = try await client.ask(code, names)
                #expect(report.responseCode == .success, "\(report.remark ?? "")")
                #expect(!String(decoding: report.body, as: UTF8.self).contains("queueId"))
            }
            let all = try await client.ask(.getBrokerConsumeStats, ["isOrder": "false"])
            #expect(all.responseCode == .success)
        }
    }

    @Test("takes no more queues than there can be")
    func many() {
        var settings = TopicSettings("Many")
        settings.readQueues = .max
        settings.writeQueues = TopicTable.queueLimit - 1
        #expect(settings.readQueueIDs == 0..<TopicTable.queueLimit)
        #expect(settings.writeQueueIDs == 0..<TopicTable.queueLimit - 1)
    }
}
