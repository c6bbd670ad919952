// Two revisions, built side by side and run in turn: what else happens on the machine meets both.

import Bench
import Foundation

/// Runs of two revisions of the repository that the working directory is in.
struct RevisionRuns {
    let revisions: [String]
    let workloads: [[String]]
    let rounds: Int
    let seconds: Double
    let directory: String

    init(_ options: Options) throws {
        revisions = options.arguments
        let text = options.text("--workload") ?? "append --body 128"
        workloads = text.split(separator: ";").map { $0.split(separator: " ").map(String.init) }
        rounds = try options.number("--rounds", 8, in: 1...1_000)
        seconds = try options.decimal("--seconds", 40, upTo: 36_000)
        directory = options.text("--directory") ?? ".build/mqbench"
        for words in workloads where Workload.named(words.first ?? "") == nil {
            throw UsageError(
                "there is no workload \(words.first ?? ""); there are \(Workload.names)")
        }
    }

    /// Results of each revision.
    func measure() throws -> [[ResultLine]] {
        let builds = try RevisionBuilds()
        let programs = try revisions.map { try builds.program(of: $0) }
        return try run(programs)
    }

    /// Runs the programs in turn; who begins changes, so that neither always comes second.
    func run(_ programs: [String]) throws -> [[ResultLine]] {
        let each = seconds / Double(rounds * programs.count * max(1, workloads.count))
        var lines: [[ResultLine]] = programs.map { _ in [] }
        for round in 0..<rounds {
            Console.note("round \(round + 1) of \(rounds)")
            for words in workloads {
                let order = round % 2 == 0 ? [0, 1] : [1, 0]
                for side in order {
                    lines[side].append(
                        contentsOf: try Self.results(
                            of: programs[side],
                            ["store"] + words + [
                                "--json", "--seconds", String(format: "%.3f", each), "--directory",
                                directory,
                            ]))
                }
            }
        }
        return lines
    }

    private static func results(of program: String, _ words: [String]) throws -> [ResultLine] {
        let run = try ChildRun(program, words)
        let lines = try run.output.split(separator: "\n").compactMap { try ResultLine($0) }
        guard run.code == 0, !lines.isEmpty, lines.allSatisfy(\.isChecked) else {
            throw BenchError(
                "\(program) \(words.joined(separator: " ")) ended with \(run.code):"
                    + "\n\(run.lastErrors)")
        }
        return lines
    }
}

/// A program that ran to its end.
struct ChildRun {
    let code: Int32
    let output: String
    private let errors: String

    /// Its last words.
    var lastErrors: String {
        errors.split(separator: "\n").suffix(12).joined(separator: "\n")
    }

    init(_ program: String, _ words: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = words
        // Files, since a pipe that nobody empties stops its writer.
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "mqbench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try ["out", "err"].map { name in
            let place = folder.appending(path: name)
            try Data().write(to: place)
            return (place, try FileHandle(forWritingTo: place))
        }
        process.standardOutput = files[0].1
        process.standardError = files[1].1
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        code = process.terminationStatus
        output = try String(contentsOf: files[0].0, encoding: .utf8)
        errors = try String(contentsOf: files[1].0, encoding: .utf8)
    }
}
