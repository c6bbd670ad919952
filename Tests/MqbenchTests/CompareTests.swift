// Two sides against each other: files of known figures, and programs that print known ones.

import Bench
import Foundation
import TestSupport
import Testing

@testable import mqbench

private let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures").path()
private let files = ["\(fixtures)/before.ndjson", "\(fixtures)/after.ndjson"]

private func compare(_ more: [String], _ sides: [String] = files) throws -> Run {
    try Run("compare", sides + more, isMeasuring: false)
}

@Test("medians of all runs, their spread, and a verdict for each work that both sides have")
func compareFiles() throws {
    let run = try compare(["--json"])
    #expect(run.code == 0, "\(run.errors)")
    let found = try run.objects()
    #expect(
        found.compactMap { $0["verdict"] as? String } == [
            // 100, 110, 130 and 140, 150, 200: apart. How long a run had is no part of the work.
            "faster",
            // One run each, whose rounds overlap.
            "no difference beyond the spread",
            // A pace of its own: the latency counts, and lower is better.
            "slower",
            // One run each, of whose rounds nothing is known.
            "one run, no spread known",
        ])
    let first = try #require(found.first)
    let (a, b) = (first["a"] as? [String: Double], first["b"] as? [String: Double])
    #expect(a == ["median": 110, "low": 100, "high": 130, "runs": 3])
    #expect(b == ["median": 150, "low": 140, "high": 200, "runs": 3])
    #expect(first["changePercent"] as? Double == 36.364)
    #expect(found[2]["metric"] as? String == "p50")
    #expect((found[2]["b"] as? [String: Double])?["median"] == 1_750)
    #expect(run.errors.contains("1 results are wrong; left out"))
    #expect(run.errors.contains("2 works are on one side only"))
}

@Test("a gate fails for what is slower beyond it, and for nothing else")
func compareGate() throws {
    #expect(try compare(["--gate", "70"]).code == 0)
    let failing = try compare(["--gate", "50"])
    #expect(failing.code == 1)
    #expect(failing.errors.contains("tail 128 B spin") && !failing.errors.contains("append"))
    // Of one run each nobody knows the spread, and the median is what there is.
    #expect(try compare(["--gate", "8"]).errors.contains("append 64 B: worse"))
    // The other way round everything is the other way round.
    #expect(try compare(["--gate", "30"], files.reversed()).errors.contains("append 128 B: worse"))
}

@Test("a file may be narrowed to a commit, and to its newest runs")
func compareCommit() throws {
    let one = try compare(["--json"], [files[0], "\(files[1]):ccc"])
    #expect(try one.objects().count == 1)
    let none = try compare([], [files[0], "\(files[1]):ddd"])
    #expect(none.code == 1 && none.errors.contains("no results of a commit ddd"))
    let newest = try compare(["--json", "--newest"]).objects()
    let append = try #require(
        newest.first { ($0["work"] as? String)?.contains("\"body\":128,") == true })
    #expect((append["a"] as? [String: Any])?["median"] as? Double == 130)
    #expect((append["b"] as? [String: Any])?["median"] as? Double == 150)
}

@Test("a table names the work, both medians, and the verdict in words")
func compareTable() throws {
    let run = try compare([])
    let line = try #require(run.output.split(separator: "\n").first { $0.hasPrefix("append 128") })
    for word in ["110", "100 – 130", "150", "140 – 200", "+36.4 %", "faster"] {
        #expect(line.contains(word), "\(word)")
    }
}

@Test("what is no result file is refused by name and line")
func compareBadFiles() throws {
    let folder = try TemporaryDirectory()
    let bad = "\(folder.path)/bad.ndjson"
    try Data("{\"recommendations\":[]}\n{\"work\n".utf8).write(to: URL(fileURLWithPath: bad))
    let run = try compare([], [files[0], bad])
    #expect(run.code == 1 && run.errors.contains("bad.ndjson, line 2 is no JSON object"))
    #expect(try compare([], [files[0], "\(folder.path)/none"]).code == 1)
    try Data("{\"recommendations\":[]}\n[1]\n3\n".utf8).write(to: URL(fileURLWithPath: bad))
    #expect(try compare([], [files[0], bad]).errors.contains("has no results"))
}

@Test("below eight runs all of them are the spread, from eight on the middle half")
func spread() throws {
    #expect(Side([]) == nil)
    #expect(try #require(Side([5])).spread == nil)
    #expect(try #require(Side([5], range: 4...6)).spread == 4...6)
    #expect(try #require(Side([3, 1, 2])).spread == 1...3)
    let many = try #require(Side([1, 2, 3, 4, 5, 6, 7, 900]))
    #expect(many.spread == 3...6 && many.median == 4.5)
}

/// A program that appends its name to a file and prints a result.
///
/// A link to a file that nobody writes: one just written may still be open in a process that
/// another test begins at this moment, and then cannot be executed ("Text file busy").
private func program(
    _ name: String, rate: Int, in folder: TemporaryDirectory, code: Int = 0
) throws -> String {
    let path = "\(folder.path)/\(name)"
    let result =
        "{\"workload\":\"append\",\"parameters\":{},\"messagesPerSecond\":\(rate),"
        + "\"checked\":true}"
    let text = "echo '\(result)'\nexit \(code)\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path).result"))
    try FileManager.default.createSymbolicLink(
        atPath: path, withDestinationPath: "\(fixtures)/program.sh")
    return path
}

@Test("two programs take turns, and who begins changes")
func turns() throws {
    let folder = try TemporaryDirectory()
    let options = try Options(
        ["a", "b", "--rounds", "3", "--seconds", "1"], allowed: CompareCommand.command.flags,
        arguments: 2)
    let programs = [
        try program("one", rate: 10, in: folder), try program("two", rate: 20, in: folder),
    ]
    let lines = try RevisionRuns(options).run(programs)
    #expect(lines.map(\.count) == [3, 3])
    let order = try String(contentsOfFile: "\(folder.path)/order", encoding: .utf8)
    #expect(order.split(separator: "\n") == ["one", "two", "two", "one", "one", "two"])
    let found = Comparison.all(lines[0], lines[1], metric: nil)
    #expect(found.map(\.verdict) == [.faster] && found.map(\.changePercent) == [100])
    let failing = [programs[0], try program("three", rate: 1, in: folder, code: 1)]
    #expect(throws: BenchError.self) { try RevisionRuns(options).run(failing) }
}
