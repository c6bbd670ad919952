// `mqload` for a moment against the broker that it starts, and against brokers that refuse or lie.

import ApusRemoting
import Bench
import Foundation
import Histogram
import TestSupport
import Testing

@testable import mqload

@Suite("mqload", .serialized) struct LoadTests {
    /// One command with its flags, for a moment.
    private func measure(_ words: String, in directory: TemporaryDirectory) async throws
        -> RunResult
    {
        let all = words.split(separator: " ").map(String.init)
        let command = try #require(LoadCommand.all.first { $0.name == all[0] })
        let options = try Options(
            all.dropFirst() + ["--smoke", "--directory", directory.path],
            allowed: command.flags + Flag.common)
        return try await command.measure(options)
    }

    private func count(_ name: String, _ result: RunResult) -> Int {
        guard case .integer(let value)? = result.more.first(where: { $0.0 == name })?.1 else {
            return -1
        }
        return Int(value)
    }

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
        let roofline = try #require(result.rooflines.first)
        #expect(roofline.messagesPerSecond > 0 && roofline.ratio > 0)
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

    @Test("idle connections are opened with a heartbeat, and the broker's memory is looked at")
    func idle() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(sends: .success).serve { address in
            try await measure(
                "idle --connections 20 --broker \(address) --pid \(getpid())", in: directory)
        }
        #expect(result.checked, "\(result.notes)")
        #expect(count("requests", result) == 21 && count("residentBytesAfter", result) > 0)
    }

    @Test("a send that is refused is counted by its code, and never as a success")
    func refused() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(sends: .systemBusy).serve { address in
            try await measure("produce --broker \(address)", in: directory)
        }
        #expect(!result.checked && count("messages", result) == 0)
        #expect(count("failed", result) > 0)
        #expect(result.notes.contains { $0.hasPrefix("refused with 2 SYSTEM_BUSY") })
    }

    @Test("a send that timed out on its way to the device is not acknowledged")
    func flushTimeout() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(sends: .flushDiskTimeout).serve { address in
            try await measure("produce --broker \(address)", in: directory)
        }
        #expect(!result.checked && count("messages", result) == 0)
    }

    @Test("a broker that acknowledges and does not store is found out")
    func liar() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(sends: .success).serve { address in
            try await measure("produce --broker \(address)", in: directory)
        }
        #expect(!result.checked && count("messages", result) > 0)
        #expect(result.notes.contains { $0.hasSuffix("the queues grew by 0") })
    }

    @Test("at a rate a stall counts for every send that was due in it")
    func coordinatedOmission() async throws {
        let directory = try TemporaryDirectory()
        let broker = FakeBroker(sends: .success, stall: .milliseconds(400))
        let result = try await broker.serve { address in
            try await measure(
                "produce --broker \(address) --rate 100 --connections 1 --in-flight 100"
                    + " --seconds 1 --no-roofline", in: directory)
        }
        // Forty sends were due meanwhile, of a hundred: one in flight at a time would show one.
        #expect(result.latency.value(atPercentile: 80) > 100_000_000)
        #expect(result.latency.value(atPercentile: 100) > 350_000_000)
    }

    @Test("exit codes: 64 for a command line, 1 where nobody listens, 2 for what was refused")
    func exitCodes() async throws {
        let directory = try TemporaryDirectory()
        #expect(await LoadTool.run(["produce", "--bogus"]) == 64)
        #expect(await LoadTool.run(["produce", "--broker", "x", "--flush", "sync"]) == 64)
        #expect(
            await LoadTool.run(["produce", "--broker", "127.0.0.1:1", "--smoke", "--json"]) == 1)
        let code = try await FakeBroker(sends: .noPermission).serve { address in
            await LoadTool.run([
                "produce", "--broker", address, "--smoke", "--json", "--directory", directory.path,
            ])
        }
        #expect(code == 2)
    }
}

@Suite("what mqload says and hears") struct ConversationTests {
    @Test("an answer finds its slot by its number, and only once its request was asked")
    func tickets() {
        var tickets = Tickets(slots: 3)
        #expect(tickets.slot(of: Tickets.first + 3) == nil)
        let first = tickets.next(slot: 2)
        #expect(tickets.slot(of: first) == 2)
        let second = tickets.next(slot: 2)
        #expect(tickets.slot(of: first) == nil && tickets.slot(of: second) == 2)
        #expect(String(first).count == 10 && tickets.slot(of: -1) == nil)
    }

    @Test("frames are counted however they are cut", arguments: [1, 2, 3, 5, 1000])
    func frameCounter(piece: Int) {
        let bytes = [0, 0, 0, 2, 9, 9, 0, 0, 0, 1, 9, 0, 0, 0, 3, 9, 9, 9, 0, 0].map { UInt8($0) }
        var counter = FrameCounter()
        var count = 0
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let end = min(bytes.count, start + piece)
            count += counter.take(bytes.span.bytes.extracting(start..<end))
        }
        #expect(count == 3)
    }
}
