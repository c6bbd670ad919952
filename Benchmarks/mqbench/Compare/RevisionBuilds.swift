// Builds of `mqbench` from revisions: a worktree for each while it is built, and the products kept
// below `.build/compare`, where the next comparison finds them.

import Bench
import Foundation

/// Builds of revisions.
struct RevisionBuilds {
    private let root: String

    init() throws {
        let top = try Self.tool(["git", "rev-parse", "--show-toplevel"])
        root = "\(top)/.build/compare"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    /// The program of a revision, built if it is not there.
    func program(of revision: String) throws -> String {
        let commit = try Self.tool(["git", "rev-parse", "--verify", "\(revision)^{commit}"])
        let folder = "\(root)/\(commit.prefix(12))"
        let program = "\(folder)/mqbench"
        if FileManager.default.isExecutableFile(atPath: program) { return program }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let tree = "\(folder)/tree"
        // What a run left that was killed.
        _ = try? Self.tool(["git", "worktree", "remove", "--force", tree])
        _ = try Self.tool(["git", "worktree", "add", "--detach", tree, commit])
        defer { _ = try? Self.tool(["git", "worktree", "remove", "--force", tree]) }
        Console.note("building \(revision) (\(commit.prefix(12))); this takes minutes")
        let build = [
            "swift", "build", "-c", "release", "-Xcc", "-O3", "--package-path", tree,
            "--scratch-path", "\(folder)/build", "--product", "mqbench",
        ]
        _ = try Self.tool(build)
        let products = try Self.tool(build + ["--show-bin-path"])
        try FileManager.default.copyItem(atPath: "\(products)/mqbench", toPath: program)
        try FileManager.default.removeItem(atPath: "\(folder)/build")
        return program
    }

    /// What a program of the search path prints, without the end of its last line.
    private static func tool(_ words: [String]) throws -> String {
        let run = try ChildRun("/usr/bin/env", words)
        guard run.code == 0 else {
            throw BenchError(
                "\(words.joined(separator: " ")) ended with \(run.code):\n\(run.lastErrors)"
                    + run.output.split(separator: "\n").suffix(12).map { "\n\($0)" }.joined())
        }
        return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
