// The sweeps of the built program: what they print, record and draw, and that a wrong result shows.

import Bench
import Foundation
import TestSupport
import Testing

/// The results among the objects that a sweep prints; the last object holds its advice.
private func results(_ run: Run) throws -> [[String: Any]] {
    let objects = try run.objects()
    let advice = try #require(objects.last?["recommendations"] as? [String])
    #expect(!advice.isEmpty && advice.allSatisfy { !$0.contains("nan") })
    return Array(objects.dropLast())
}

private func parameter(_ name: String, _ result: [String: Any]) -> String {
    (result["parameters"] as? [String: Any])?[name].map { "\($0)" } ?? ""
}

@Test("a sweep of flush settings has both modes, and SYNC_FLUSH exposes nothing")
func sweepFlush() throws {
    let folder = try TemporaryDirectory()
    let file = "\(folder.path)/sweep.ndjson"
    let run = try Run("sweep flush --smoke --json --record \(file) --plots \(folder.path)")
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.leftovers == [])
    let found = try results(run)
    #expect(found.count == 8)
    let mapped = found.filter { parameter("writer", $0) == "mapped" }
    #expect(mapped.map { parameter("flush", $0) } == ["sync", "sync", "async", "async"])
    #expect(mapped.map { parameter("inFlight", $0) } == ["1", "8", "", ""])
    #expect(mapped.map { parameter("interval", $0) } == ["", "", "10", "50"])
    for result in found {
        #expect(result["workload"] as? String == "sweep flush")
        #expect(result["checked"] as? Bool == true)
        #expect(try #require(result["messagesPerSecond"] as? Double) > 0)
        let latency = try #require(result["latencyNanoseconds"] as? [String: Int])
        #expect(try #require(latency["p50"]) > 0)
        let exposure = try #require(result["exposureMilliseconds"] as? Double)
        let isSync = parameter("flush", result) == "sync"
        // A message waits for the flusher: the interval is what it is given to wait.
        #expect(isSync ? exposure == 0 : exposure > 1, "\(result)")
    }
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == found.count)
    let svg = try String(contentsOfFile: "\(folder.path)/sweep-flush.svg", encoding: .utf8)
    #expect(svg.hasPrefix("<svg ") && svg.contains("sync 8 in flight") && !svg.contains("nan"))
}

@Test("a sweep of preparations has each of them with each way to sync, for both sizes of block")
func sweepPreparation() throws {
    let run = try Run("sweep preparation --smoke --json")
    #expect(run.code == 0, "\(run.errors)")
    let results = try run.objects()
    func names(_ parameter: String) -> Set<String> {
        Set(results.compactMap { ($0["parameters"] as? [String: Any])?[parameter] as? String })
    }
    #expect(names("preparation") == ["allocated", "zeroed", "recycled and zeroed"])
    // A memory file system has no O_DIRECT, or none that helps.
    #expect(names("method").isSuperset(of: ["pwrite, fdatasync", "mmap, msync"]))
    #expect(results.count == 3 * 2 * names("method").count)
    for result in results {
        #expect(((result["preparedNanosecondsPerGiB"] as? Int) ?? 0) > 0)
        #expect(((result["messagesPerSecond"] as? Double) ?? 0) > 0)
    }
    #expect(run.leftovers == [])
    let table = try Run("sweep preparation --smoke").output
    #expect(table.split(separator: "\n").count == 1 + 3 * names("method").count)
}

@Test("a sweep of compression has each kind with each codec, and JSON shrinks")
func sweepCompression() throws {
    let folder = try TemporaryDirectory()
    let run = try Run("sweep compression --smoke --json --plots \(folder.path)")
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.leftovers == [])
    let found = try results(run)
    #expect(found.count == 9)
    for result in found {
        #expect(result["checked"] as? Bool == true)
        let share = try #require(result["storedShare"] as? Double)
        let isPlain =
            parameter("codec", result) == "none" || parameter("kind", result) == "random"
        #expect(isPlain ? abs(share - 1) < 0.001 : share < 0.95, "\(result)")
        #expect(try #require(result["readMessagesPerSecond"] as? Double) > 0)
    }
    let svg = try String(
        contentsOfFile: "\(folder.path)/sweep-compression-1024.svg", encoding: .utf8)
    #expect(svg.contains("Zstandard 3") && svg.contains("json") && !svg.contains("nan"))
}

@Test("a body that is read back otherwise than it was sent makes the sweep fail")
func plantedBody() throws {
    let run = try Run("sweep compression --smoke --kinds json --plant-wrong-body --json")
    #expect(run.code == 1)
    #expect(run.errors.contains("the result is wrong"))
    #expect(try run.objects().first?["checked"] as? Bool == false)
}

@Test("a table for people ends with what to take")
func sweepTable() throws {
    let run = try Run(
        "sweep flush --smoke --seconds 0.5 --in-flight 4 --intervals 20 --writer mapped")
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output.contains("\nsync 4 in flight mapped "))
    #expect(run.output.contains("\nTo lose nothing that was acknowledged: SYNC_FLUSH with 4"))
    #expect(run.output.contains("\nFor speed: "))
}
