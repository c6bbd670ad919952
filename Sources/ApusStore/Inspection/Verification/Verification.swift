// Holds the files of a store against each other: log, ConsumeQueues, index, checkpoint. Reads only.
//
// The log is read once, from front to back; queues and index are followed beside it, and what is
// left of them is read after it. Memory is bounded by the number of queues, the slots of one
// IndexFile and the number of damaged places that are kept, not by the number of messages.

import ApusFormat
package import ApusSystem

/// A verification of a store that is not open.
package final class Verification {
    private let context: VerificationContext
    private let queues: QueueCheck
    private let index: IndexCheck
    private var hashes: [Int32] = []
    private let logByteCount: Int64
    private let indexByteCount: Int64
    private let queueByteCount: Int64

    private init(_ context: VerificationContext) {
        self.context = context
        queues = QueueCheck(context)
        index = IndexCheck(context)
        func sum(_ files: [FoundFile]) -> Int64 { files.reduce(0) { $0 + Int64($1.byteCount) } }
        logByteCount = sum(context.files.segments)
        indexByteCount = sum(context.files.index)
        queueByteCount = context.files.queues.reduce(0) { $0 + sum($1.files) }
    }

    /// Verifies the files that a survey found.
    package static func run(
        _ disk: any Disk, _ files: StoreFiles, _ options: VerificationOptions = .init()
    ) -> VerificationReport {
        let verification = Verification(VerificationContext(disk, files, options))
        verification.run()
        return verification.report
    }

    /// The same, with all that a repair has to know.
    static func examine(
        _ disk: any Disk, _ files: StoreFiles, _ options: VerificationOptions = .init(),
        sink: (any DerivedSink)? = nil
    ) -> Examination {
        let context = VerificationContext(disk, files, options)
        context.sink = sink
        let verification = Verification(context)
        verification.run()
        return Examination(
            report: verification.report, derived: context.derived, stretches: context.stretches,
            lostBeyondLog: context.lostBeyondLog, logEnd: context.logEnd,
            newestTimestamp: context.newestTimestamp)
    }

    private func run() {
        for failure in context.files.failures {
            context.noteUnreadable(failure, consumers: "What is in there cannot be delivered.")
        }
        index.begin { progress($0) }
        context.recoveryStart = RecoveryStart.find(context)
        let end = LogScan.run(
            context.disk, context.files,
            checks: context.options.requiresRecordChecksum
                ? [.all, .recordChecksumRequired] : .all, visitor: self)
        for stretch in end.tail { context.add(stretch, isTail: true) }
        context.logEnd = end.offset
        context.totals.segments = context.files.segments.count
        context.totals.logByteCount = logByteCount
        context.totals.logStart = context.logStart
        context.totals.logEnd = end.offset
        queues.walkLeftovers { progress(indexByteCount + logByteCount + $0) }
        index.finish()
        reportMissingLog()
        queues.report()
        LogReport(context: context).report()
        index.report()
        CheckpointCheck(context: context).report()
    }

    /// What recovery would have to go through is known by the first record of each file.
    private func progress(_ byteCount: Int64) {
        context.options.progress?(byteCount, indexByteCount + logByteCount + queueByteCount)
    }

    private func reportMissingLog() {
        guard context.files.segments.isEmpty, context.files.checkpointFields != nil else { return }
        if context.files.queues.contains(where: { $0.files.contains { $0.byteCount > 0 } }) {
            context.findings.add(
                Finding(
                    .damage, .missingSegment,
                    at: Finding.Place(path: context.relative(context.files.directory.commitLog)),
                    "There are queues, but no CommitLog files.",
                    consumers: "No message can be delivered."))
        }
    }

    /// A finding about a place of the log names the file and the byte of it.
    private func located(_ finding: Finding) -> Finding {
        guard finding.place.path == nil, let offset = finding.place.physicalOffset,
            let file = context.files.segments.last(where: { $0.first <= offset }),
            offset < file.end
        else { return finding }
        var located = finding
        located.place.path = context.relative(file.path)
        located.place.fileOffset = offset - file.first
        return located
    }

    private var report: VerificationReport {
        let findings = context.findings
        var counts: [Finding.Severity: Int64] = [:]
        for severity in Finding.Severity.allCases { counts[severity] = findings.count(severity) }
        return VerificationReport(
            findings: findings.findings.map(located), omitted: findings.omitted, counts: counts,
            totals: context.totals, isClean: context.isClean, isLocked: context.files.isLocked,
            refused: context.refused)
    }
}

/// What a verification found, for a repair.
struct Examination {
    let report: VerificationReport
    let derived: DerivedFaults
    /// Stretches of the log without records, ascending.
    let stretches: [StretchTally]
    /// Messages that queues have behind the end of the log.
    let lostBeyondLog: [LostMessages]
    /// Physical offset behind the last record.
    let logEnd: Int64
    let newestTimestamp: Int64
}

extension Verification: LogVisitor {
    package func visit(_ record: borrowing LogRecord) -> Bool {
        let traits = RecordTraits(record)
        context.totals.records += 1
        context.totals.messages += traits.messageCount(in: record)
        context.newestTimestamp = max(context.newestTimestamp, record.storeTimestamp)
        traits.keyHashes(of: record, into: &hashes)
        index.visit(record, hashes: hashes)
        queues.visit(record, traits)
        guard let sink = context.sink else { return true }
        sink.put(
            hashes: hashes, physicalOffset: record.physicalOffset, end: record.end,
            storeTimestamp: record.storeTimestamp)
        return sink.goesOn
    }

    package func skip(_ stretch: LogStretch) { context.add(stretch, isTail: false) }

    package func advance(to byteCount: Int64) { progress(indexByteCount + byteCount) }
}

/// Where the next open begins to make queues and index again.
enum RecoveryStart {
    /// By the durable mark; without one as RocketMQ does it after a kill: at the newest CommitLog
    /// file that begins with a record no newer than the checkpoint, less three seconds.
    static func find(_ context: VerificationContext) -> Int64 {
        if let mark = context.files.mark { return min(mark.queuesDurable, mark.indexDurable) }
        guard let fields = context.files.checkpointFields else { return context.logStart }
        for file in context.files.segments.reversed() {
            var timestamp: Int64?
            _ = context.lookup.lookUp(file.first) { timestamp = $0.storeTimestamp }
            if let timestamp, timestamp <= fields.scanTimestamp { return file.first }
        }
        return context.logStart
    }
}
