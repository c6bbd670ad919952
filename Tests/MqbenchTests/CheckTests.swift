// A run's check of its own result notices what is wrong.

import ApusStore
import Bench
import Foundation
import TestSupport
import Testing

@testable import mqbench

private func filled(_ workplace: Workplace) throws -> StoreRound {
    let round = try StoreRound(
        workplace, .small, messages: SampleMessages(bodyByteCount: 100), queueCount: 2)
    try round.warmUp(50, awaitsSegment: false)
    return round
}

@Test("a message too few or too many is noticed, and so is a flipped byte")
func wrongResults() throws {
    let directory = try TemporaryDirectory()
    let workplace = try Workplace(parent: directory.path, needing: 64 << 20)
    let round = try filled(workplace)
    #expect(round.check() == nil)
    round.appended += 1
    #expect(round.check()?.contains("50 messages, not 51") == true)
    round.appended -= 2
    #expect(round.check()?.contains("50 messages, not 49") == true)
    round.appended += 1
    let log = "\(round.path)/commitlog/00000000000000000000"
    let file = try #require(FileHandle(forUpdatingAtPath: log))
    try file.seek(toOffset: 90)
    try file.write(contentsOf: Data([0xFF]))
    try file.close()
    #expect(round.check() != nil)
}

@Test("a directory without enough room is refused before anything is made there")
func noRoom() throws {
    let directory = try TemporaryDirectory()
    #expect(throws: BenchError.self) {
        try Workplace(parent: directory.path, needing: .max)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
}

@Test("what a killed run left is removed, and nothing else")
func leftovers() throws {
    let directory = try TemporaryDirectory()
    // No process has a number beyond the kernel's limit of 4 Mi.
    let names = ["run-8000000-17", "run-\(getpid())-17", "run-me", "data"]
    for name in names {
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/\(name)", withIntermediateDirectories: false)
    }
    _ = try Workplace(parent: directory.path, needing: 1)
    let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(Set(left) == Set(names.dropFirst()))
}

@Test("a chart keeps its lines inside its frame and escapes its texts")
func chart() throws {
    let chart = Chart(
        title: "a < b & \"c\"", subtitle: "", xLabel: "x", yLabel: "y", xScale: .logarithmic,
        xTicks: [(1, "1"), (1000, "1000")], yText: { "\($0)" },
        lines: [Chart.Line(name: "one", points: [(1, 3), (1000, 70_000)])])
    let svg = chart.svg
    #expect(svg.contains("a &lt; b &amp; &quot;c&quot;"))
    let points = try #require(svg.firstMatch(of: /points="([^"]*)"/)).1
        .split(separator: " ").map { $0.split(separator: ",").compactMap { Double($0) } }
    #expect(points.count == 2)
    #expect(points.allSatisfy { $0[0] > 84 && $0[0] < 600 && $0[1] > 72 && $0[1] < 420 })
    #expect(points[0][1] > points[1][1])
}

@Test("rates take the median of the ratios in each round, not the ratio of medians")
func ratios() {
    var rates = RoundRates()
    rates.add(10, [("c", 20)])
    rates.add(30, [("c", 30)])
    rates.add(20, [("c", 100)])
    var result = RunResult("append", [])
    rates.fill(&result, byteCount: 1e6)
    #expect(result.messagesPerSecond == 20 && result.megabytesPerSecond == 20)
    #expect(result.rooflines.map(\.ratio) == [0.5])
}
