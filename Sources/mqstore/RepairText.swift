// What a repair does, for people: the steps, what is lost, what remains, and where the copies are.

import ApusStore

/// Prints a repair's answer.
enum RepairText {
    static func print(_ report: RepairReport, _ console: Console) {
        for (number, step) in report.steps.enumerated() {
            if number > 0 { console.line() }
            let place = step.place
            let at = place.fileOffset.map { " at byte \($0)" } ?? ""
            console.line(
                "\(report.isApplied ? "done" : "PROPOSED"): \(step.kind.rawValue)"
                    + (place.path.map { ", in \($0)\(at)" } ?? ""))
            for line in FindingText.wrapped(step.what) { console.line("  \(line)") }
            for line in FindingText.wrapped("Consumers: \(step.consumers)") {
                console.line("  \(line)")
            }
        }
        printLost(report, console)
        if !report.remaining.isEmpty {
            if !report.steps.isEmpty || !report.lost.isEmpty { console.line() }
            console.line("What a repair cannot mend:")
            for finding in report.remaining { FindingText.print(finding, console) }
        }
        if !report.copies.isEmpty {
            console.line()
            console.line("Copies of what was changed:")
            for copy in report.copies { console.line("  \(copy)") }
        }
        if !(report.steps.isEmpty && report.remaining.isEmpty && report.lost.isEmpty) {
            console.line()
        }
        for line in FindingText.wrapped(verdict(report)) { console.line(line) }
    }

    /// Ranges that are printed one by one.
    private static let lostLimit = 100

    private static func printLost(_ report: RepairReport, _ console: Console) {
        guard !report.lost.isEmpty else { return }
        if !report.steps.isEmpty { console.line() }
        console.line("Lost, as far as the entries of queues tell:")
        for lost in report.lost.prefix(lostLimit) { console.line("  \(lost.words)") }
        if report.lost.count > lostLimit {
            console.line(
                "  and \(report.lost.count - lostLimit) more ranges; --json has all of them")
        }
    }

    private static func verdict(_ report: RepairReport) -> String {
        let steps = FindingText.plural(Int64(report.steps.count), "step", "steps")
        if report.before.verdict == .incomplete {
            return "Not everything could be read: nothing was done."
        }
        let remains =
            report.remaining.isEmpty
            ? "" : " Messages in damaged places stay refused, those around them are served."
        if report.steps.isEmpty {
            return report.remaining.isEmpty
                ? "Nothing to do: the store is sound." : "Nothing can be done here.\(remains)"
        }
        guard report.isApplied else {
            return "Nothing was changed. --apply carries out \(steps == "1 step" ? "this" : "the")"
                + " \(steps)." + remains
        }
        return report.remaining.isEmpty
            ? "Done, in \(steps): the store is sound."
            : "Done, in \(steps).\(remains)"
    }
}
