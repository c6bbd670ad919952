// Repairs a store that is not open: proposes steps, or carries them out under the store's lock.
//
// What to do is read off a verification: a repair has no opinion of its own about what is wrong.
// It goes in rounds, since what is derived from the log can be judged only when the log is settled.
// A dry run opens nothing for writing.

import ApusFormat
package import ApusSystem

/// A repair of a directory.
package struct Repair {
    private let disk: any Disk
    private let directory: StoreDirectory
    private let options: RepairOptions
    /// A round that changes the log, one that makes derived files again, one that looks at
    /// `checkpoint` with all else in order, and one to spare.
    private static let roundLimit = 4

    private init(_ disk: any Disk, _ directory: StoreDirectory, _ options: RepairOptions) {
        self.disk = disk
        self.directory = directory
        self.options = options
    }

    /// What a repair would do. Writes nothing.
    package static func propose(
        _ disk: any Disk, _ directory: StoreDirectory, _ options: RepairOptions = RepairOptions()
    ) throws(StoreError) -> RepairReport {
        let repair = Repair(disk, directory, options)
        let (plan, _) = try repair.look()
        var report = RepairReport(before: plan.examination.report)
        report.steps = plan.steps
        report.remaining = plan.remaining
        report.lost = plan.lost
        return report
    }

    /// Repairs what can be repaired. Fails with `.locked` while someone has the store open, before
    /// anything is changed; an error on the way leaves what a second call goes on with.
    package static func apply(
        _ disk: any Disk, _ directory: StoreDirectory, _ options: RepairOptions = RepairOptions()
    ) throws(StoreError) -> RepairReport {
        // Nothing is made in a directory that is no store.
        _ = try StoreFiles.survey(disk, directory)
        let lock = try StoreLock.take(disk, directory)
        defer { StoreLock.release(lock) }
        return try Repair(disk, directory, options).apply()
    }

    private func look() throws(StoreError) -> (plan: RepairPlan, files: StoreFiles) {
        let files = try StoreFiles.survey(disk, directory)
        let examination = Verification.examine(disk, files, options.verification)
        return (try RepairPlan(disk, files, examination, options), files)
    }

    private func apply() throws(StoreError) -> RepairReport {
        var (plan, files) = try look()
        var report = RepairReport(before: plan.examination.report)
        report.lost = plan.lost
        let copies = RepairCopies(
            disk, directory, epoch: (files.mark ?? files.newestMark)?.epoch ?? 0)
        if !plan.examination.report.refused.isEmpty { return report }
        for _ in 0..<Self.roundLimit where !plan.steps.isEmpty {
            try carryOut(plan, files, copies)
            let before = plan.steps
            report.steps += plan.stepsOfThisRound
            (plan, files) = try look()
            if plan.steps == before { break }
        }
        report.isApplied = true
        report.copies = copies.names.map { "quarantine/\($0)" }
        report.after = plan.examination.report
        report.remaining = plan.remaining
        if report.steps.isEmpty { report.after = nil }
        if !plan.steps.isEmpty { report.remaining += plan.unmended }
        return report
    }

    private func carryOut(
        _ plan: RepairPlan, _ files: StoreFiles, _ copies: RepairCopies
    ) throws(StoreError) {
        let log = LogRepair(disk: disk, files: files, options: options)
        do throws(DiskError) {
            if plan.extendsSegments { try log.extendSegments() }
            if let cut = plan.cut { try log.run(cutAt: cut.start, copies) }
        } catch {
            throw StoreError(error)
        }
        // The rest is judged anew when the log is another.
        if plan.changesLog { return }
        if plan.rebuildsDerived {
            // Kept until it is done: the verification that feeds it holds it weakly.
            let rebuild = DerivedRebuild(disk, files, plan.faults, options, copies)
            defer { withExtendedLifetime(rebuild) {} }
            try rebuild.run()
            return
        }
        do throws(DiskError) {
            if plan.faults.isCheckpointWrong {
                try CheckpointRepair.run(disk, files, plan.examination, copies)
            }
            try RepairFolder.remove(disk, directory)
        } catch {
            throw StoreError(error)
        }
    }
}
