// The built program: what it prints, how it ends, and that its counts can fail.

import Bench
import Foundation
import TestSupport
import Testing

private let latencies = ["p50", "p90", "p99", "p999", "p9999", "max"]

/// What is wrong with the keys and types of a result.
private func complaints(_ object: [String: Any]) -> [String] {
    var found: [String] = []
    if !(object["workload"] is String) { found.append("workload") }
    if !(object["parameters"] is [String: Any]) { found.append("parameters") }
    for key in ["messagesPerSecond", "megabytesPerSecond", "rooflineRatio"] {
        if !(object[key] is Double) { found.append(key) }
    }
    let allocations = object["allocationsPerMessage"]
    if !(allocations is Double || allocations is NSNull) { found.append("allocationsPerMessage") }
    if object["checked"] as? Bool != true { found.append("checked") }
    guard let latency = object["latencyNanoseconds"] as? [String: Any] else {
        return found + ["latencyNanoseconds"]
    }
    let values = latencies.compactMap { latency[$0] as? Int }
    if values.count != 6 || values != values.sorted() || values[0] <= 0 {
        found.append("latencyNanoseconds: \(latency)")
    }
    return found
}

@Test(
    "each workload measures, finds its result right, prints one object, and leaves nothing behind",
    arguments: [
        "append", "append --body 1k --writers 2 --queues 3", "append --batch 8",
        "append --keys 2 --tags 3", "append --rate 20000", "append --sustained",
        "append --queues 50", "append --writer page-aligned",
        "append --sustained --rate 20000 --retention", "grow",
        "append --body 4k --sustained --used-memory",
        "append --sustained --of-peak 0.05 --retention",
        "append --sustained --rate 10000000 --body 64k",
        "append --flush sync", "append --flush sync --in-flight 8",
        "append --flush sync --writers 2 --batch 4", "tail", "tail --mode wait",
        "tail --mode same", "read", "read --mode cold", "read --mode key", "recover", "open",
    ])
func smoke(workload: String) throws {
    let run = try Run("store \(workload) --smoke --json")
    #expect(run.code == 0, "\(run.errors)")
    let object = try run.object()
    #expect(complaints(object) == [])
    #expect(object["workload"] as? String == workload.split(separator: " ").first.map(String.init))
    let rate = try #require(object["messagesPerSecond"] as? Double)
    #expect(rate > 0)
    #expect(run.leftovers == [])
}

@Test("the parameters that were given stand in the result")
func parameters() throws {
    let run = try Run(
        "store append --body 256 --writers 1 --flush async --seconds 0.1 --smoke --json")
    let found = try #require(run.object()["parameters"] as? [String: Any])
    #expect(found["body"] as? Int == 256)
    #expect(found["writers"] as? Int == 1)
    #expect(found["flush"] as? String == "async")
    #expect(found["seconds"] as? Double == 0.1)
}

@Test("a rate is kept, and its latencies count from when an append was due")
func rate() throws {
    let object = try Run("store append --rate 5000 --seconds 0.6 --smoke --json").object()
    let rate = try #require(object["messagesPerSecond"] as? Double)
    #expect(rate > 2_500 && rate < 5_100)
    #expect((object["latencyOf"] as? String)?.contains("due") == true)
}

@Test("a rate that is a share of what the device takes is another each time, of the same run")
func shareOfPeak() throws {
    let run = try Run("store append --sustained --of-peak 0.05 --smoke --json")
    let object = try run.object()
    let parameters = try #require(object["parameters"] as? [String: Any])
    #expect(parameters["ofPeak"] as? Double == 0.05 && parameters["rate"] as? Int == 0)
    let pace = try #require(object["pace"] as? Int)
    let rooflines = try #require(object["rooflines"] as? [[String: Any]])
    let peak = try #require(rooflines[0]["messagesPerSecond"] as? Double)
    #expect(abs(Double(pace) / peak - 0.05) < 0.001)
    #expect((object["latencyOf"] as? String)?.contains("due") == true)
    // A thread that appends nothing, alone and beside as much to write.
    for key in ["barePaceNanoseconds", "busyPaceNanoseconds"] {
        let late = try #require(object[key] as? [String: Int])
        #expect(try #require(late["p50"]) <= #require(late["max"]))
    }
}

@Test("an append allocates nothing, and the count fails when an allocation is planted")
func allocations() throws {
    // Room for queue entries and the next file is made now and then, which allocates.
    let flags = "store append --smoke --json --allocations-limit 0.01"
    let clean = try Run(flags)
    #expect(clean.code == 0, "\(clean.errors)")
    let planted = try Run("\(flags) --plant-allocation")
    #expect(planted.code == 1)
    #expect(planted.errors.contains("allocations a message"))
    let count = try #require(planted.object()["allocationsPerMessage"] as? Double)
    #expect(count >= 1 && count < 1.1)
}

@Test("ten thousand queues take at most 1 KiB of memory each, beside pages of files")
func memoryOfQueues() throws {
    let run = try Run("store append --queues 10000 --smoke --json")
    let bytes = try #require(run.object()["bytesPerQueue"] as? Int, "\(run.errors)")
    // There is an object and a mapping for each at least: less would be a wrong measurement.
    #expect(bytes > 400 && bytes <= 1_024)
}

@Test(
    "a command line that makes no sense ends with 64 and names what is wrong",
    arguments: [
        ("store append --bodi 128", "--bodi"), ("store append --body", "--body needs a value"),
        ("store append --body many", "not many"), ("store append --writers 0", "--writers"),
        ("store append --body 1 --body 2", "twice"), ("store append --json=1", "no value"),
        ("store append extra", "what is extra?"), ("store append --flush later", "later"),
        ("store append --in-flight 4", "--in-flight needs"), ("store", "append, read"),
        ("store defrost", "defrost"), ("freeze", "freeze"), ("store tail --keys 1", "--keys"),
        ("suite --what", "--what"), ("sweep", "flush, compression"), ("sweep dust", "flush"),
        ("sweep flush --intervals 5,x", "not x"), ("sweep flush extra", "what is extra?"),
        ("sweep compression --kinds music", "text, json, random"), ("compare one", "two sides"),
        ("compare a b c", "what is c?"), ("compare a b --metric speed", "rate, p50"),
        ("compare --revisions a b --workload defrost", "defrost"),
        ("store append --used-memory", "--used-memory"), ("store append --of-peak 1", "--of-peak"),
        ("store append --sustained --of-peak 1.1", "--of-peak"),
        ("store append --sustained --of-peak 0.5 --rate 5", "--of-peak"),
        ("sweep preparation --allocations-limit 1", "--allocations-limit"),
        ("doctor --interval 0", "--interval"), ("doctor --flush later", "later"),
    ])
func usage(words: String, named: String) throws {
    let run = try Run(words, isMeasuring: false)
    #expect(run.code == 64)
    #expect(run.errors.contains(named), "\(run.errors)")
    #expect(run.output.isEmpty)
}

@Test("the help names each workload in a line, and fits on a terminal")
func help() throws {
    let overview = try Run("--help", isMeasuring: false)
    #expect(overview.code == 0 && overview.errors.isEmpty)
    for name in ["append", "read", "tail", "recover", "open", "grow"] {
        #expect(overview.output.contains("mqbench store \(name)"))
        let one = try Run("store \(name) --help", isMeasuring: false)
        #expect(one.code == 0)
        #expect(one.output.contains("--seconds") && one.output.contains("  mqbench store \(name)"))
        #expect(one.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(one.output)")
        #expect(!one.output.contains("plant"))
    }
    #expect(overview.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    for name in [
        "suite", "sweep flush", "sweep compression", "sweep preparation", "compare", "doctor",
    ] {
        #expect(overview.output.contains("  mqbench \(name)  "))
        let one = try Run("\(name) --help", isMeasuring: false)
        #expect(one.code == 0)
        #expect(one.output.contains("--json") && one.output.contains("\n  mqbench \(name) "))
        #expect(one.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(one.output)")
        #expect(!one.output.contains("plant"))
    }
}

@Test("the suite runs everything, records lines with their machine, and draws both plots")
func suite() throws {
    let folder = try TemporaryDirectory()
    let file = "\(folder.path)/results/suite.ndjson"
    let run = try Run("suite --smoke --json --record \(file) --plots \(folder.path) --commit abc")
    #expect(run.code == 0, "\(run.errors)")
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == run.output.split(separator: "\n").count && lines.count > 20)
    for line in lines {
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        let object = try #require(value as? [String: Any])
        let machine = try #require(object["machine"] as? [String: Any])
        for key in ["processor", "kernel", "fileSystem", "system"] {
            #expect((machine[key] as? String)?.isEmpty == false, "\(key)")
        }
        #expect(machine["commit"] as? String == "abc")
        #expect(machine["memoryMegabytes"] as? Int ?? 0 > 0)
        #expect(object["time"] is String)
        #expect(complaints(try #require(object["result"] as? [String: Any])) == [])
    }
    for name in ["latency", "throughput"] {
        let svg = try String(contentsOfFile: "\(folder.path)/\(name).svg", encoding: .utf8)
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(svg.contains("<polyline") && !svg.contains("nan"))
    }
}
