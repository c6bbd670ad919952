// `mqstore repair DIR --salvage-to NEW`: the valid records of a store in a store of their own.

import ApusStore
import ApusSystem

/// The form of `repair` that takes records elsewhere.
enum SalvageCommand {
    static func run(
        _ store: StoreArgument, to path: String, from start: Int64?, _ options: RepairOptions,
        isJSON: Bool, _ console: Console
    ) throws -> ExitCode {
        let report = try Salvage.run(
            store.disk, store.files.directory, to: path, from: start ?? .min, options)
        console.endProgress()
        if isJSON {
            printJSON(report, console)
        } else {
            printText(report, store.files, console)
        }
        guard let verdict = report.verification?.verdict else { return .couldNotLook }
        switch verdict {
        case .sound: return .sound
        case .findings: return .findings
        case .incomplete: return .couldNotLook
        }
    }

    /// Lines of a list that are printed.
    private static let limit = 20

    private static func printText(
        _ report: SalvageReport, _ files: StoreFiles, _ console: Console
    ) {
        let records = FindingText.plural(report.records, "record", "records")
        console.line(
            "Copied \(records) (\(ByteCount.text(report.recordByteCount))) to \(report.path).")
        print(report.moves.map(words), "Moved, physical offsets old and new:", console)
        print(report.leftOut.map { words($0, files) }, "Left out, no record can be read:", console)
        print(
            report.renumbered.map(words), "Under another queue offset than the record named:",
            console)
        if report.tooLarge > 0 {
            console.line()
            console.line("\(report.tooLarge) records are larger than a CommitLog file.")
        }
        console.line()
        switch report.verification?.verdict {
        case .sound: console.line("The new store is sound. Queue offsets and config are kept.")
        default: console.line("verify has findings in the new store.")
        }
    }

    private static func print(_ lines: [String], _ title: String, _ console: Console) {
        guard !lines.isEmpty else { return }
        console.line()
        console.line(title)
        for line in lines.prefix(limit) { console.line("  \(line)") }
        if lines.count > limit {
            console.line("  and \(lines.count - limit) more; --json has them")
        }
    }

    private static func words(_ move: SalvageReport.Move) -> String {
        let end = move.newStart + (move.old.upperBound - move.old.lowerBound)
        return "\(move.old.lowerBound) to \(move.old.upperBound) -> \(move.newStart) to \(end)"
    }

    private static func words(_ stretch: LogStretch, _ files: StoreFiles) -> String {
        "\(stretch.start) to \(stretch.end), in \(files.relative(stretch.path)) at byte"
            + " \(stretch.fileOffset): \(stretch.words)"
    }

    private static func words(_ message: SalvageReport.Renumbered) -> String {
        "\(message.topic)/\(message.queueID) offset \(message.oldOffset) -> \(message.newOffset),"
            + " at physical offset \(message.newPhysicalOffset)"
    }

    private static func printJSON(_ report: SalvageReport, _ console: Console) {
        for move in report.moves {
            console.line(
                JSONText.object([
                    ("oldStart", String(move.old.lowerBound)),
                    ("oldEnd", String(move.old.upperBound)), ("newStart", String(move.newStart)),
                ]))
        }
        for stretch in report.leftOut {
            console.line(
                JSONText.object([
                    ("leftOutStart", String(stretch.start)), ("leftOutEnd", String(stretch.end)),
                    ("what", JSONText.string(stretch.words)),
                ]))
        }
        for message in report.renumbered {
            console.line(
                JSONText.object([
                    ("topic", JSONText.string(message.topic)), ("queueId", String(message.queueID)),
                    ("oldQueueOffset", String(message.oldOffset)),
                    ("newQueueOffset", String(message.newOffset)),
                    ("oldPhysicalOffset", String(message.oldPhysicalOffset)),
                    ("newPhysicalOffset", String(message.newPhysicalOffset)),
                ]))
        }
        console.line(
            JSONText.object([
                (
                    "summary",
                    JSONText.object([
                        ("salvagedTo", JSONText.string(report.path)),
                        ("records", String(report.records)),
                        ("recordBytes", String(report.recordByteCount)),
                        ("leftOutBytes", String(report.leftOutByteCount)),
                        ("renumbered", String(report.renumberedCount)),
                        ("tooLarge", String(report.tooLarge)),
                        ("verdict", JSONText.string(report.verification?.verdict.rawValue)),
                    ])
                )
            ]))
    }
}
