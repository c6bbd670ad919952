// The built program, run once.

import Foundation
import TestSupport
import Testing

/// One run of `mqbench`, in a directory that is looked at afterwards.
struct Run {
    let code: Int32
    let output: String
    let errors: String
    /// What the run left behind in its directory.
    let leftovers: [String]

    /// `more` may hold words with blanks in them.
    init(_ words: String, _ more: [String] = [], isMeasuring: Bool = true) throws {
        let directory = try TemporaryDirectory()
        let process = Process()
        process.executableURL = try Self.program()
        process.arguments =
            words.split(separator: " ").map(String.init) + more
            + (isMeasuring ? ["--directory", directory.path] : [])
        // Files, since a pipe that nobody empties stops its writer.
        let folder = try TemporaryDirectory()
        let files = try ["out", "err"].map { name in
            let path = "\(folder.path)/\(name)"
            try Data().write(to: URL(fileURLWithPath: path))
            return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        }
        process.standardOutput = files[0]
        process.standardError = files[1]
        try process.run()
        process.waitUntilExit()
        code = process.terminationStatus
        output = try String(contentsOfFile: "\(folder.path)/out", encoding: .utf8)
        errors = try String(contentsOfFile: "\(folder.path)/err", encoding: .utf8)
        leftovers = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    }

    /// The program beside the one that runs the tests.
    private static func program() throws -> URL {
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let places = [tests, root.appending(path: ".build/debug")].map {
            $0.appending(path: "mqbench")
        }
        return try #require(
            places.first { FileManager.default.isExecutableFile(atPath: $0.path) })
    }

    /// The one object on standard output.
    func object() throws -> [String: Any] {
        let lines = output.split(separator: "\n")
        try #require(lines.count == 1, "\(output)\n\(errors)")
        let value = try JSONSerialization.jsonObject(with: Data(lines[0].utf8))
        return try #require(value as? [String: Any])
    }

    /// The objects on standard output.
    func objects() throws -> [[String: Any]] {
        try output.split(separator: "\n").map { line in
            let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return try #require(value as? [String: Any])
        }
    }
}
