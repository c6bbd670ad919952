// A broker of ours in a process of its own, so that its memory is nobody else's.

import ApusBroker
import ApusFormat
import Bench
import Foundation

/// This program again, as a broker that ends when its standard input does.
final class ChildBroker {
    let address: String
    var pid: Int32 { process.processIdentifier }
    private let process = Process()
    private let input = Pipe()
    private let workplace: Workplace

    init(_ plan: LoadPlan) throws {
        workplace = try Workplace(parent: plan.directory, needing: 4 << 30)
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            Self.word, "--directory", workplace.newPath("store"),
            "--broker-threads", "\(plan.brokerThreads)", "--flush", plan.isSync ? "sync" : "async",
        ]
        if let encryption = plan.encryption {
            process.arguments?.append(contentsOf: ["--tls", encryption.path])
        }
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        address = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard address.contains(":") else { throw BenchError("the broker did not start") }
    }

    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// The command that the help does not show.
    static let word = "serve"

    /// What the process does.
    static func serve(_ options: Options) async throws -> ExitCode {
        let plan = try LoadPlan(options)
        let broker = try await Broker.start(
            .underLoad(plan, store: plan.directory), logger: .quiet)
        Console.line(broker.address.description)
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                while !FileHandle.standardInput.availableData.isEmpty {}
                continuation.resume()
            }
        }
        try await broker.stop()
        return .good
    }
}
