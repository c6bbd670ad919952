// The workloads by name.

import Bench

/// Something that can be measured.
struct Workload: Sendable {
    let name: String
    /// One line of help.
    let summary: String
    let details: String
    let examples: [String]
    let flags: [Flag]
    let measure: @Sendable (Options) throws -> RunResult

    static let all: [Workload] = [
        AppendWorkload.workload, ReadWorkload.workload, TailWorkload.workload,
        RecoverWorkload.workload, OpenWorkload.workload, GrowWorkload.workload,
    ]

    static func named(_ name: String) -> Workload? { all.first { $0.name == name } }

    static var names: String { all.map(\.name).joined(separator: ", ") }
}

extension Flag {
    /// What every workload takes.
    static let common: [Flag] = [
        Flag("--seconds", "S", "how long the whole measurement takes, about; 5"),
        Flag("--directory", "DIR", "where to work; .build/mqbench"),
        Flag("--json", nil, "one object instead of a table"),
        Flag("--smoke", nil, "little data and one round: does it work at all"),
        Flag("--record", "FILE", "append the result to FILE as NDJSON, with the machine"),
        Flag("--commit", "NAME", "the commit that was built, for --record"),
        Flag("--toolchain", "NAME", "what built it, for --record"),
        Flag("--allocations-limit", "X", "fail when a message costs more allocations"),
        Flag("--plant-allocation", nil, ""),
    ]

    static let plots = Flag("--plots", "DIR", "draw SVG files there")

    /// What every sweep takes besides its own.
    static let sweep: [Flag] = [
        Flag("--seconds", "S", "how long the whole sweep takes, about"),
        Flag("--directory", "DIR", "where to work; .build/mqbench"),
        Flag("--json", nil, "an object for each setting instead of a table"),
        plots,
        Flag("--smoke", nil, "little data and few settings: does it work at all"),
        Flag("--record", "FILE", "append the results to FILE as NDJSON, with the machine"),
        Flag("--commit", "NAME", "the commit that was built, for --record"),
        Flag("--toolchain", "NAME", "what built it, for --record"),
    ]
}

/// What is common to all runs.
struct RunSettings: Sendable {
    let seconds: Double
    let parent: String
    let isSmoke: Bool
    let plantsAllocation: Bool

    init(_ options: Options) throws {
        isSmoke = options.has("--smoke")
        seconds = try options.decimal("--seconds", isSmoke ? 0.1 : 5, upTo: 3600)
        parent = options.text("--directory") ?? ".build/mqbench"
        plantsAllocation = options.has("--plant-allocation")
        guard !parent.isEmpty else { throw UsageError("--directory needs a name") }
    }
}
