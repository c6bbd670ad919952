// The golden stores through the built executable and through the inspection.

@testable import ApusStore
import ApusSystem
import Foundation
@testable import mqstore
import Testing

@Test("a dump of a golden store is its manifest, object for object", arguments: GoldenStore.names)
func goldenDump(name: String) throws {
    let store = try GoldenStore(name)
    let run = try Run(mqstore: "dump", store.path, "--json")
    #expect(run.code == 0)
    #expect(run.errors == "")
    let expected = try GoldenStore.messages(name)
    #expect(run.lines.count == expected.count)
    for (line, message) in zip(run.lines, expected) {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        #expect(try GoldenStore.canonical(object) == message)
    }
}

@Test("a store that was shut down cleanly is sound, without a note")
func cleanIsSound() throws {
    let store = try GoldenStore(GoldenStore.clean)
    let run = try Run(mqstore: "verify", store.path)
    #expect(run.code == 0)
    #expect(run.output.contains("374 records in 3 CommitLog files"))
    #expect(run.output.contains("748 entries of 2 index files"))
    #expect(run.output.hasSuffix("The store is sound.\n"))
}

@Test("what a kill left is explained in notes, and a script may rely on code 0")
func killedIsSound() throws {
    let store = try GoldenStore(GoldenStore.killed)
    let run = try Run(mqstore: "verify", store.path)
    #expect(run.code == 0)
    #expect(run.output.contains("1 message has no queue entry yet, in 1 queue (GoldA/0)"))
    #expect(run.output.contains("The store was not shut down cleanly"))
    #expect(run.output.hasSuffix("The store is sound for recovery: 3 notes.\n"))
}

@Test("looking at a store changes nothing in it", arguments: GoldenStore.names)
func nothingIsWritten(name: String) throws {
    let store = try GoldenStore(name)
    let before = try store.fingerprint()
    for command in [["info"], ["info", "--fast"], ["dump"], ["verify", "--json"]] {
        _ = try Run(mqstore: command[0], store.path)
        let after = try store.fingerprint()
        #expect(after == before, "\(command)")
    }
}

@Test("info knows topics, queues, offsets, sizes and times")
func info() throws {
    let store = try GoldenStore(GoldenStore.clean)
    let run = try Run(mqstore: "info", store.path, "--json")
    #expect(run.code == 0)
    let object = try JSONSerialization.jsonObject(with: run.outputData)
    let info = try #require(object as? [String: Any])
    #expect(info["kind"] as? String == "rocketmq")
    #expect(info["cleanShutdown"] as? Bool == true)
    let log = try #require(info["commitLog"] as? [String: Any])
    #expect(log["records"] as? Int == 374)
    #expect(log["messages"] as? Int == 381)
    #expect(log["maxPhysicalOffset"] as? Int == 185_425)
    let queues = try #require(info["queues"] as? [[String: Any]])
    #expect(queues.count == 25)
    let orders = try #require(
        queues.first { $0["topic"] as? String == "GoldA" && $0["queueId"] as? Int == 1 })
    #expect(orders["maxOffset"] as? Int == 41)
    #expect(orders["messages"] as? Int == 41)
    #expect(orders["diskBytes"] as? Int ?? 0 > 0)
    let batch = try #require(
        queues.first { $0["topic"] as? String == "GoldBCQ" && $0["queueId"] as? Int == 0 })
    #expect(batch["type"] as? String == "BatchCQ")
    #expect(batch["messages"] as? Int == 6)
    let index = try #require(info["index"] as? [[String: Any]])
    #expect(index.map { $0["entries"] as? Int } == [399, 349])
    #expect(index.map { $0["slots"] as? Int } == [100, 100])
}

@Test("info without a scan tells the same offsets from the queues' files")
func fastInfo() throws {
    let store = try GoldenStore(GoldenStore.clean)
    func offsets(_ flag: String) throws -> [String] {
        let run = try Run(mqstore: "info", store.path, "--json", flag)
        let info = try JSONSerialization.jsonObject(with: run.outputData) as? [String: Any]
        return try #require(info?["queues"] as? [[String: Any]]).map {
            "\($0["topic"] ?? "") \($0["queueId"] ?? "") \($0["minOffset"] ?? "")"
                + " \($0["maxOffset"] ?? "")"
        }
    }
    #expect(try offsets("--fast") == offsets("--index-slots=100"))
}

@Test("a table of info is aligned and names every topic")
func infoText() throws {
    let store = try GoldenStore(GoldenStore.clean)
    let run = try Run(mqstore: "info", store.path)
    #expect(run.lines.contains("shut down   cleanly"))
    let header = try #require(run.lines.first { $0.hasPrefix("TOPIC") })
    let row = try #require(run.lines.first { $0.hasPrefix("GoldOrder") })
    let column = try #require(header.range(of: "FIRST STORED")?.lowerBound)
    let distance = header.distance(from: header.startIndex, to: column)
    #expect(row.dropFirst(distance).hasPrefix("2026-11-22 11:36:23"))
    for topic in ["GoldA", "GoldB", "GoldBCQ", "GoldTx", "SCHEDULE_TOPIC_XXXX"] {
        #expect(run.lines.contains { $0.hasPrefix("\(topic) ") }, "\(topic)")
    }
}
