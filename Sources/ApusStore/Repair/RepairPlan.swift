// What is to be done about what a verification found.

import ApusFormat
import ApusSystem

/// The steps of one round, and what no step mends.
struct RepairPlan {
    let examination: Examination
    /// What is to be made again, with what an interrupted repair left in part.
    let faults: DerivedFaults
    /// Where the log is to end.
    let cut: LogStretch?
    let extendsSegments: Bool
    private(set) var steps: [RepairStep] = []
    private(set) var remaining: [Finding] = []
    /// Bad findings that a step was to mend.
    private(set) var unmended: [Finding] = []
    private(set) var lost: [LostMessages] = []

    var changesLog: Bool { cut != nil || extendsSegments }
    var rebuildsDerived: Bool {
        !faults.queues.isEmpty || !faults.batchQueues.isEmpty || faults.isIndexWrong
    }

    /// What is carried out before all is judged anew: the log first, then what is derived from it.
    var stepsOfThisRound: [RepairStep] {
        steps.filter { step in
            switch step.kind {
            case .extendSegment, .cutLog: true
            case .rebuildQueue, .rebuildIndex: !changesLog
            case .clearUnfinished: !changesLog
            case .rewriteCheckpoint: !changesLog && !rebuildsDerived
            }
        }
    }

    init(
        _ disk: any Disk, _ files: StoreFiles, _ examination: Examination, _ options: RepairOptions
    ) throws(StoreError) {
        self.examination = examination
        let log = LogRepair(disk: disk, files: files, options: options)
        cut = log.cut(examination)
        extendsSegments = !log.shortSegments.isEmpty
        var faults = examination.derived
        do throws(DiskError) {
            try RepairFolder.note(disk, files.directory, in: &faults)
        } catch {
            throw StoreError(error)
        }
        // A wrong guess would make an index that the broker cannot read.
        let isShapeTold = options.indexSlots != nil && options.indexEntries != nil
        if faults.isIndexShapeUnknown, faults.indexShape == nil, !isShapeTold {
            faults.isIndexWrong = false
        }
        self.faults = faults
        let words = RepairWords(files: files, options: options)
        steps += log.shortSegments.map { words.extend($0.file, to: $0.length) }
        if let cut { steps.append(words.cut(cut, examination)) }
        for name in faults.queues.sorted() { steps.append(words.rebuild(name, isBatch: false)) }
        for name in faults.batchQueues.sorted() { steps.append(words.rebuild(name, isBatch: true)) }
        if faults.isIndexWrong { steps.append(words.rebuildIndex(faults)) }
        if faults.isCheckpointWrong {
            steps.append(words.checkpoint(CheckpointRepair.fields(files, examination)))
        }
        if files.hasUnfinishedRepair { steps.append(words.unfinished) }
        for finding in examination.report.findings where finding.severity != .note {
            if isMended(finding, files) {
                unmended.append(finding)
            } else {
                remaining.append(finding)
            }
        }
        lost = examination.stretches.flatMap(\.lost) + examination.lostBeyondLog
        lost.sort {
            ($0.topic, $0.queueID, $0.offsets.lowerBound)
                < ($1.topic, $1.queueID, $1.offsets.lowerBound)
        }
    }

    /// Whether a step does away with a finding.
    private func isMended(_ finding: Finding, _ files: StoreFiles) -> Bool {
        switch finding.kind {
        case .damagedRecord, .zerosInLog, .missingSegment, .remains, .endOfLog:
            if let cut, let place = finding.place.physicalOffset { return place >= cut.start }
            // Zeros behind the end of the log, where entries of queues point: those go.
            return finding.kind == .zerosInLog && isEndlessZeros(finding, files)
        case .segmentLength:
            return extendsSegments
        case .unreadable, .overlappingSegments, .queueOffsetGap, .queueOffsetRepeated,
            .recordDisagrees, .delayLevels:
            return false
        case .queueRestarted, .notCleanlyShutDown, .stray:
            return true
        case .queueMissing, .queueFile, .entryMissing, .entryOffset, .entrySize, .entryTags,
            .entryBatch, .entryExtension, .entryBeyondLog, .entryWithoutRecord:
            return rebuildsDerived
        case .indexFile, .indexHeader, .indexSlot, .indexChain, .indexHash, .indexTime,
            .indexEntry, .indexKeyMissing, .indexIncomplete:
            return faults.isIndexWrong
        case .checkpoint, .checkpointAhead, .repairUnfinished:
            return true
        case .durableMark:
            return finding.severity == .inconsistency
        }
    }

    private func isEndlessZeros(_ finding: Finding, _ files: StoreFiles) -> Bool {
        guard let place = finding.place.physicalOffset else { return false }
        if let mark = files.mark, place < mark.logDurable { return false }
        return place >= examination.logEnd && rebuildsDerived
    }
}
