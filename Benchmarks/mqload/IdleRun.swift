// `mqload idle`: what connections cost on which nothing happens.

import ApusBroker
import ApusRemoting
import Bench
import Foundation
import NIOCore
import NIOPosix

/// Opens connections as clients do, and looks at the broker's memory.
enum IdleRun {
    static let command = LoadCommand(
        name: "idle", summary: "memory of connections on which nothing happens",
        details: """
            Opens connections with a heartbeat each, as clients have them, leaves them
            alone for --seconds, and looks at the resident memory of the broker's process
            before and after: of one that it starts, or of --pid on this machine.
            """,
        examples: [
            "idle --connections 10000", "idle --broker 127.0.0.1:10911 --pid 4711",
        ],
        flags: [Flag("--pid", "PID", "the process of the broker that --broker names")],
        measure: { try await measure(LoadPlan($0, connections: 1_000), pid: $0.text("--pid")) })

    private static func measure(_ plan: LoadPlan, pid: String?) async throws -> RunResult {
        if let address = plan.brokers {
            guard let pid = pid.flatMap({ Int32($0) }) else {
                throw UsageError("--broker needs the --pid of its process, on this machine")
            }
            return try await measure(plan, address: address, pid: pid)
        }
        guard plan.isOwnBroker, pid == nil else {
            throw UsageError("idle takes --broker with --pid, or starts a broker itself")
        }
        let child = try ChildBroker(plan)
        defer { child.end() }
        return try await measure(plan, address: child.address, pid: child.pid)
    }

    private static func measure(
        _ plan: LoadPlan, address: String, pid: Int32
    ) async throws -> RunResult {
        let place = try Place(address, plan.encryption)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.threads)
        return try await ensuring {
            try await measure(plan, to: place, pid: pid, group)
        } finally: {
            try await group.shutdownGracefully()
        }
    }

    private static func measure(
        _ plan: LoadPlan, to place: Place, pid: Int32, _ group: any EventLoopGroup
    ) async throws -> RunResult {
        var all = Tally()
        var times = Times()
        var crowds: [Crowd<HeartbeatConversation>] = []
        var before = 0
        var opened = 0
        // One connection has been there: what the first one makes is not the others' cost.
        for size in [1] + waves(of: plan.connections) {
            let first = opened
            let crowd = try await Crowd.connect(size, to: [place], group: group) { number, _ in
                HeartbeatConversation(number: first + number, serialization: plan.serialization)
            }
            let heartbeats = try await crowd.askOnce()
            all.merge(heartbeats.tally)
            times.merge(heartbeats.times)
            crowds.append(crowd)
            opened += size
            if before == 0 {
                try await Task.sleep(for: .milliseconds(500))
                before = try resident(pid)
            }
            if heartbeats.problem != nil { break }
            Console.progress("idle: \(opened) connections")
        }
        try await Task.sleep(for: .seconds(plan.seconds))
        let after = try resident(pid)
        let open = crowds.reduce(0) { $0 + $1.openCount }
        var result = RunResult("idle", plan.parameters([], ownBroker: "own process"))
        result.fill(all, times, hasMessages: false)
        result.messagesPerSecond = .nan
        result.latencyMeaning = "of the heartbeat that each connection begins with"
        if open < opened {
            result.checked = false
            result.notes.append("closed meanwhile: \(opened - open) of \(opened) connections")
        }
        result.fill(before: before, after: after, more: opened - 1)
        return result
    }

    /// Not more heartbeats at a time than a broker lets wait.
    private static func waves(of count: Int) -> [Int] {
        stride(from: 0, to: count, by: 256).map { min(256, count - $0) }
    }

    /// Bytes of a process that are in memory.
    private static func resident(_ pid: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)
        let words = text.split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else {
            throw BenchError("/proc/\(pid)/statm is not understood: \(text)")
        }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}

extension RunResult {
    /// What so many connections more made of the resident memory.
    fileprivate mutating func fill(before: Int, after: Int, more count: Int) {
        let each = count > 0 ? Double(after - before) / Double(count) : .nan
        more += [
            ("residentBytesBefore", .count(before)), ("residentBytesAfter", .count(after)),
            ("bytesPerConnection", .figure(each)),
        ]
        notes.append(
            "resident memory of the broker: \(before >> 10) KiB with one connection,"
                + " \(after >> 10) KiB with \(count) more:"
                + " \(String(format: "%.1f", each / 1024)) KiB each")
    }
}

/// A heartbeat as a producer sends it.
struct HeartbeatConversation: Conversation {
    private var stream = CommandStream()
    private var tickets = Tickets(slots: 1)
    private var template: FrameTemplate

    init(number: Int, serialization: HeaderSerialization) {
        let body = """
            {"clientID":"10.0.0.1@mqload-\(number)","consumerDataSet":[],\
            "producerDataSet":[{"groupName":"mqload-producers"}]}
            """
        var command = RemotingCommand.request(.heartBeat, body: Array(body.utf8))
        command.language = .java
        command.serialization = serialization
        template = FrameTemplate(command)
    }

    var slots: Int { 1 }

    mutating func ask(slot: Int, due: Int64, into out: inout ByteBuffer) {
        template.set(opaque: tickets.next(slot: slot))
        out.writeBytes(template.bytes)
    }

    mutating func hear(
        _ bytes: RawSpan, at now: Int64, _ answered: (_ slot: Int, _ answer: Answer) -> Void
    ) throws {
        let tickets = tickets
        try stream.take(bytes) { answer in
            guard answer.isResponse, let slot = tickets.slot(of: answer.opaque) else { return }
            let code = answer.code.rawValue
            answered(slot, code == 0 ? .messages(0) : .refused(code))
        }
    }
}
