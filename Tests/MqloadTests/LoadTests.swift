// `mqload` for a moment against the broker that it starts, and against brokers that refuse or lie.

import ApusRemoting
import Bench
import Foundation
import Histogram
import TestSupport
import Testing

@testable import mqload

@Suite("mqload", .serialized) struct LoadTests {
    @Test(
        "sends are acknowledged and stored, and stand beside a bare server of the same sizes",
        arguments: ["", " --batch 8", " --binary", " --flush sync", " --rate 500"])
    func produce(flags: String) async throws {
        let directory = try TemporaryDirectory()
        let result = try await measure(
            "produce --connections 2 --in-flight 4" + flags, in: directory)
        #expect(result.checked, "\(result.notes)")
        #expect(count("messages", result) > 0 && count("failed", result) == 0)
        #expect(result.latency.count == count("requests", result))
        // An acknowledgement that waits for the device is held against one without a wire too.
        #expect(result.rooflines.count == (flags.contains("sync") ? 2 : 1))
        for roofline in result.rooflines {
            #expect(roofline.messagesPerSecond > 0 && roofline.ratio > 0)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test(
        "pulls bring what the topic was filled with, again and again", arguments: ["", " --binary"])
    func consume(flags: String) async throws {
        let directory = try TemporaryDirectory()
        let result = try await measure(
            "consume --messages 500 --queues 2 --connections 2 --in-flight 2" + flags, in: directory
        )
        #expect(result.checked, "\(result.notes)")
        #expect(count("messages", result) > 500)
    }

    @Test("every message that is acknowledged comes to a consumer that waits for it")
    func endToEnd() async throws {
        let directory = try TemporaryDirectory()
        let result = try await measure(
            "end-to-end --rate 200 --connections 2 --queues 4 --body 64", in: directory)
        #expect(result.checked, "\(result.notes)")
        #expect(count("messages", result) > 0)
        #expect(Int(result.latency.count) == count("messages", result))
    }

    @Test("the Swift client's sends stand beside the generator's, and all of them are stored")
    func client() async throws {
        let directory = try TemporaryDirectory()
        let result = try await measure("client --in-flight 8", in: directory)
        #expect(result.checked, "\(result.notes)")
        #expect(count("messages", result) > 0 && count("failed", result) == 0)
        #expect(result.rooflines.first.map { $0.ratio > 0 } == true)
        #expect(result.latency.count > 0)
    }

    @Test("the Swift client consumes every message that was sent, and each once")
    func clientConsumes() async throws {
        let directory = try TemporaryDirectory()
        let result = try await measure("client --consume --messages 5000", in: directory)
        #expect(result.checked, "\(result.notes)")
        #expect(count("missing", result) == 0 && count("again", result) == 0)
        #expect(result.messagesPerSecond > 0)
    }

    @Test("a client needs NameServers, and one connection to each broker")
    func clientUsage() async throws {
        let directory = try TemporaryDirectory()
        for words in ["client --broker 127.0.0.1:1", "client --connections 2"] {
            await #expect(throws: UsageError.self) { try await measure(words, in: directory) }
        }
        await #expect(throws: UsageError.self) {
            try await measure("client --consume --body 8", in: directory)
        }
    }

    @Test("a send that is refused is counted by its code, and never as a success")
    func refused() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(Manners(sends: .systemBusy)).serve { address in
            try await measure("produce --broker \(address)", in: directory)
        }
        #expect(!result.checked && count("messages", result) == 0)
        #expect(count("failed", result) > 0)
        #expect(result.notes.contains { $0.hasPrefix("refused with 2 SYSTEM_BUSY") })
    }

    @Test("a send that timed out on its way to the device is not acknowledged")
    func flushTimeout() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(Manners(sends: .flushDiskTimeout)).serve { address in
            try await measure("produce --broker \(address)", in: directory)
        }
        #expect(!result.checked && count("messages", result) == 0)
    }

    @Test("a broker that acknowledges and does not store is found out")
    func liar() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(Manners(keeps: { _ in false })).serve { address in
            try await measure("produce --broker \(address)", in: directory)
        }
        #expect(!result.checked && count("messages", result) > 0)
        #expect(result.notes.contains { $0.hasSuffix("the queues grew by 0") })
    }

    @Test("at a rate a stall counts for every send that was due in it")
    func coordinatedOmission() async throws {
        let directory = try TemporaryDirectory()
        let broker = FakeBroker(Manners(stall: .milliseconds(400)))
        let result = try await broker.serve { address in
            try await measure(
                "produce --broker \(address) --rate 100 --connections 1 --in-flight 1"
                    + " --seconds 1 --no-roofline", in: directory)
        }
        // Forty sends were due meanwhile, of a hundred. One was under way: a latency that counted
        // from when a request left would show one.
        #expect(result.latency.value(atPercentile: 80) > 100_000_000)
        #expect(result.latency.value(atPercentile: 100) > 350_000_000)
    }

    @Test("connections share what they measure with")
    func sharedHistograms() async throws {
        let directory = try TemporaryDirectory()
        // The kernel's mark of the most that was in memory begins anew.
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        let before = try peakKilobytes()
        let result = try await FakeBroker().serve { address in
            try await measure(
                "produce --broker \(address) --connections 256 --in-flight 1 --no-roofline",
                in: directory)
        }
        #expect(result.checked, "\(result.notes)")
        // A pair of histograms has half a megabyte.
        #expect(try peakKilobytes() - before < 256 * 540 / 2)
    }

    private func peakKilobytes() throws -> Int {
        let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            .split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" })[1]))
    }

    @Test("exit codes: 64 for a command line, 1 where nobody listens, 2 for what was refused")
    func exitCodes() async throws {
        let directory = try TemporaryDirectory()
        #expect(await LoadTool.run(["produce", "--bogus"]) == 64)
        #expect(await LoadTool.run(["produce", "--broker", "x", "--flush", "sync"]) == 64)
        #expect(
            await LoadTool.run(["produce", "--broker", "127.0.0.1:1", "--smoke", "--json"]) == 1)
        let code = try await FakeBroker(Manners(sends: .noPermission)).serve { address in
            await LoadTool.run([
                "produce", "--broker", address, "--smoke", "--json", "--directory", directory.path,
            ])
        }
        #expect(code == 2)
    }
}
