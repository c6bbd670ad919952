// `mqstore verify`: the files of a store against each other.

import ApusStore

/// The command `verify`.
enum VerifyCommand {
    static func run(_ words: ArraySlice<String>, _ console: Console) throws -> ExitCode {
        let arguments = try Arguments(
            words, valued: StoreArgument.valued.union(["--index-slots"]),
            plain: ["--json", "--require-checksums"])
        let slots = try arguments.number("--index-slots", 1...Int64(Int32.max))
        let store = try StoreArgument(arguments, console)
        let sink = ProgressSink(console)
        var options = VerificationOptions(indexSlots: slots.map { Int32($0) }) {
            sink.progress($0, $1)
        }
        options.requiresRecordChecksum = arguments.has("--require-checksums")
        let report = Verification.run(store.disk, store.files, options)
        console.endProgress()
        if arguments.has("--json") {
            FindingJSON.print(report, console)
        } else {
            FindingText.print(report, console)
        }
        for error in report.refused { console.warn("\(error)") }
        switch report.verdict {
        case .sound: return .sound
        case .findings: return .findings
        case .incomplete: return .couldNotLook
        }
    }
}

/// Hands progress on from a closure that may be sent to another thread, though it never is.
final class ProgressSink: @unchecked Sendable {
    // Sendable: the verification calls back on the thread that started it.
    private let console: Console

    init(_ console: Console) { self.console = console }

    func progress(_ done: Int64, _ total: Int64) { console.progress(done, of: total) }
}

/// Findings as JSON, one object a line, and a last one with the totals.
enum FindingJSON {
    static func print(_ report: VerificationReport, _ console: Console) {
        for finding in report.findings { console.line(object(finding)) }
        for omitted in report.omitted {
            console.line(
                JSONText.object([
                    ("severity", JSONText.string(omitted.severity.rawValue)),
                    ("kind", JSONText.string(omitted.kind.rawValue)),
                    ("omitted", JSONText.number(omitted.count)),
                ]))
        }
        console.line(JSONText.object([("summary", summary(report))]))
    }

    static func object(_ finding: Finding) -> String {
        let place = finding.place
        let members: [(String, String?)] = [
            ("severity", JSONText.string(finding.severity.rawValue)),
            ("kind", JSONText.string(finding.kind.rawValue)),
            ("file", place.path.map { JSONText.string($0) }),
            ("fileOffset", place.fileOffset.map { String($0) }),
            ("physicalOffset", place.physicalOffset.map { String($0) }),
            ("physicalEnd", place.physicalEnd.map { String($0) }),
            ("topic", place.topic.map { JSONText.string($0) }),
            ("queueId", place.queueID.map { String($0) }),
            ("queueOffset", place.queueOffset.map { String($0) }),
            ("count", String(finding.count)),
            ("what", JSONText.string(finding.what)),
            ("consumers", JSONText.string(finding.consumers)),
        ]
        return JSONText.object(members.compactMap { name, value in value.map { (name, $0) } })
    }

    private static func summary(_ report: VerificationReport) -> String {
        let totals = report.totals
        return JSONText.object([
            ("verdict", JSONText.string(report.verdict.rawValue)),
            ("damage", JSONText.number(report.counts[.damage])),
            ("inconsistencies", JSONText.number(report.counts[.inconsistency])),
            ("notes", JSONText.number(report.counts[.note])),
            ("cleanShutdown", String(report.isClean)),
            ("open", String(report.isLocked)),
            ("commitLogFiles", String(totals.segments)),
            ("minPhysicalOffset", String(totals.logStart)),
            ("maxPhysicalOffset", String(totals.logEnd)),
            ("records", String(totals.records)),
            ("messages", String(totals.messages)),
            ("queues", String(totals.queues)),
            ("queueEntries", String(totals.queueEntries)),
            ("indexFiles", String(totals.indexFiles)),
            ("indexEntries", String(totals.indexEntries)),
        ])
    }
}
