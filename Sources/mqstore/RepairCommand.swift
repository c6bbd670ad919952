// `mqstore repair`: proposes what to do about the findings of `verify`, and does it when told to.

import ApusStore
import ApusSystem

/// The command `repair`.
enum RepairCommand {
    private static let valued = StoreArgument.valued.union([
        "--index-slots", "--index-entries", "--queue-file-size", "--salvage-to", "--salvage-from",
    ])

    static func run(_ words: ArraySlice<String>, _ console: Console) throws -> ExitCode {
        let arguments = try Arguments(
            words, valued: valued, plain: ["--json", "--apply", "--cut-at-damage"])
        let sink = ProgressSink(console)
        var options = RepairOptions()
        options.progress = { sink.progress($0, $1) }
        options.cutsAtDamage = arguments.has("--cut-at-damage")
        options.indexSlots = try arguments.number("--index-slots", 1...Int64(Int32.max))
            .map { Int32($0) }
        options.indexEntries = try arguments.number("--index-entries", 2...Int64(Int32.max))
            .map { Int32($0) }
        if let size = try arguments.number("--queue-file-size", 20...Int64(Int32.max)) {
            guard size % 20 == 0 else { throw UsageError("--queue-file-size is a multiple of 20") }
            options.queueFileByteCount = Int(size)
        }
        let store = try StoreArgument(arguments, console)
        if let path = arguments.text("--salvage-to") {
            guard !path.isEmpty, !arguments.has("--apply") else {
                throw UsageError("--salvage-to names a new directory, and goes without --apply")
            }
            return try SalvageCommand.run(
                store, to: path, from: arguments.number("--salvage-from"), options,
                isJSON: arguments.has("--json"), console)
        }
        let report =
            arguments.has("--apply")
            ? try Repair.apply(store.disk, store.files.directory, options)
            : try Repair.propose(store.disk, store.files.directory, options)
        console.endProgress()
        if arguments.has("--json") {
            RepairJSON.print(report, console)
        } else {
            RepairText.print(report, console)
        }
        for error in report.before.refused { console.warn("\(error)") }
        if report.before.verdict == .incomplete { return .couldNotLook }
        return report.isSettled ? .sound : .findings
    }
}

/// A repair's answer as JSON, one object a line, and a last one with the summary.
enum RepairJSON {
    static func print(_ report: RepairReport, _ console: Console) {
        for step in report.steps { console.line(object(step, isApplied: report.isApplied)) }
        for lost in report.lost {
            console.line(
                JSONText.object([
                    (
                        "lost",
                        JSONText.object([
                            ("topic", JSONText.string(lost.topic)),
                            ("queueId", String(lost.queueID)),
                            ("firstQueueOffset", String(lost.offsets.lowerBound)),
                            ("lastQueueOffset", String(lost.offsets.upperBound - 1)),
                        ])
                    )
                ]))
        }
        for finding in report.remaining {
            console.line(JSONText.object([("remains", FindingJSON.object(finding))]))
        }
        console.line(
            JSONText.object([
                (
                    "summary",
                    JSONText.object([
                        ("applied", String(report.isApplied)),
                        ("steps", String(report.steps.count)),
                        ("remaining", String(report.remaining.count)),
                        ("copies", JSONText.array(report.copies.map { JSONText.string($0) })),
                        ("before", JSONText.string(report.before.verdict.rawValue)),
                        ("after", JSONText.string(report.after?.verdict.rawValue)),
                    ])
                )
            ]))
    }

    private static func object(_ step: RepairStep, isApplied: Bool) -> String {
        let place = step.place
        let members: [(String, String?)] = [
            ("step", JSONText.string(step.kind.rawValue)),
            ("done", String(isApplied)),
            ("file", place.path.map { JSONText.string($0) }),
            ("fileOffset", place.fileOffset.map { String($0) }),
            ("physicalOffset", place.physicalOffset.map { String($0) }),
            ("topic", place.topic.map { JSONText.string($0) }),
            ("queueId", place.queueID.map { String($0) }),
            ("what", JSONText.string(step.what)),
            ("consumers", JSONText.string(step.consumers)),
        ]
        return JSONText.object(members.compactMap { name, value in value.map { (name, $0) } })
    }
}
