// Findings for people: what, where, and what it means, the worst first.

import ApusStore

/// Prints a verification's answer.
enum FindingText {
    static func print(_ report: VerificationReport, _ console: Console) {
        let totals = report.totals
        let records = plural(totals.records, "record", "records")
        let segments = plural(Int64(totals.segments), "CommitLog file", "CommitLog files")
        let entries = plural(totals.queueEntries, "entry", "entries")
        let queues = plural(Int64(totals.queues), "queue", "queues")
        let indexEntries = plural(totals.indexEntries, "entry", "entries")
        let indexFiles = plural(Int64(totals.indexFiles), "index file", "index files")
        console.line("Looked at \(records) in \(segments)")
        console.line("(physical offset \(totals.logStart) to \(totals.logEnd)),")
        console.line("\(entries) of \(queues), and \(indexEntries) of \(indexFiles).")
        for severity in Finding.Severity.allCases {
            for finding in report.findings where finding.severity == severity {
                print(finding, console)
            }
            for omitted in report.omitted where omitted.severity == severity {
                console.line()
                console.line(
                    "\(title(severity)): \(omitted.count) more of \(omitted.kind.rawValue)")
            }
        }
        console.line()
        console.line(verdict(report))
    }

    static func print(_ finding: Finding, _ console: Console) {
        console.line()
        console.line("\(title(finding.severity)): \(finding.kind.rawValue)\(place(finding))")
        for line in wrapped(finding.what) { console.line("  \(line)") }
        for line in wrapped("Consumers: \(finding.consumers)") { console.line("  \(line)") }
    }

    private static func title(_ severity: Finding.Severity) -> String {
        switch severity {
        case .damage: "DAMAGE"
        case .inconsistency: "INCONSISTENCY"
        case .note: "note"
        }
    }

    private static func place(_ finding: Finding) -> String {
        guard let path = finding.place.path else { return "" }
        return ", in \(path)" + (finding.place.fileOffset.map { " at byte \($0)" } ?? "")
    }

    private static func verdict(_ report: VerificationReport) -> String {
        let damage = report.counts[.damage] ?? 0
        let inconsistencies = report.counts[.inconsistency] ?? 0
        let notes = report.counts[.note] ?? 0
        switch report.verdict {
        case .incomplete: return "Not everything could be read: this answer is not complete."
        case .findings:
            return "Found: \(damage) damage, "
                + plural(inconsistencies, "inconsistency", "inconsistencies")
                + ", \(plural(notes, "note", "notes"))."
        case .sound:
            let what = report.isClean ? "The store is sound" : "The store is sound for recovery"
            return notes == 0 ? "\(what)." : "\(what): \(plural(notes, "note", "notes"))."
        }
    }

    static func plural(_ count: Int64, _ one: String, _ many: String) -> String {
        "\(count) \(count == 1 ? one : many)"
    }

    /// The words in lines of at most 90 characters; a longer word gets a line of its own.
    static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + word.count + 1 > 90 {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }
}
