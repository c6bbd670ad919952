// `mqstore info`: a store at a glance.

import ApusFormat
import ApusStore

/// The command `info`.
enum InfoCommand {
    static func run(_ words: ArraySlice<String>, _ console: Console) throws -> ExitCode {
        let arguments = try Arguments(
            words, valued: StoreArgument.valued.union(["--index-slots"]),
            plain: ["--json", "--fast"])
        let slots = try arguments.number("--index-slots", 1...Int64(Int32.max))
        let store = try StoreArgument(arguments, console)
        let total = store.files.segments.reduce(Int64(0)) { $0 + Int64($1.byteCount) }
        let overview = StoreOverview(
            store.disk, store.files, isFast: arguments.has("--fast"),
            indexSlots: slots.map { Int32($0) }
        ) { console.progress($0, of: total) }
        console.endProgress()
        if arguments.has("--json") {
            console.line(InfoJSON.object(overview))
        } else {
            InfoText(overview, console).print()
        }
        for failure in store.files.failures { console.warn("\(failure)") }
        return store.files.failures.isEmpty ? .sound : .couldNotLook
    }
}

/// The overview as one JSON object.
enum InfoJSON {
    static func object(_ overview: StoreOverview) -> String {
        let files = overview.files
        return JSONText.object([
            ("root", JSONText.string(files.directory.root)),
            ("kind", JSONText.string(files.isApus ? "apus" : "rocketmq")),
            ("cleanShutdown", String(!files.hasAbort)),
            ("open", String(files.isLocked)),
            ("scanned", String(overview.isScanned)),
            ("commitLog", commitLog(overview)),
            ("checkpoint", checkpoint(files)),
            ("queues", JSONText.array(overview.queues.map { queue($0, overview) })),
            ("index", JSONText.array(overview.index.map(index))),
        ])
    }

    private static func commitLog(_ overview: StoreOverview) -> String {
        let segments = overview.files.segments
        return JSONText.object([
            (
                "files",
                JSONText.array(
                    segments.map { file in
                        JSONText.object([
                            ("offset", String(file.first)), ("bytes", String(file.byteCount)),
                            ("diskBytes", String(file.allocatedByteCount)),
                        ])
                    })
            ),
            ("minPhysicalOffset", String(segments.first?.first ?? 0)),
            ("maxPhysicalOffset", String(overview.logEnd)),
            ("records", overview.isScanned ? String(overview.records) : "null"),
            ("messages", overview.isScanned ? String(overview.messages) : "null"),
            ("recordBytes", overview.isScanned ? String(overview.recordByteCount) : "null"),
            ("firstStoreTimestamp", JSONText.number(overview.firstStored)),
            ("lastStoreTimestamp", JSONText.number(overview.lastStored)),
            ("damagedStretches", String(overview.damagedStretches)),
            ("damagedBytes", String(overview.damagedByteCount)),
        ])
    }

    private static func checkpoint(_ files: StoreFiles) -> String {
        guard case .read(let fields, let mark, _) = files.checkpoint else { return "null" }
        let written = mark.map { mark in
            JSONText.object([
                ("generation", String(mark.generation)), ("logDurable", String(mark.logDurable)),
                ("queuesDurable", String(mark.queuesDurable)),
                ("indexDurable", String(mark.indexDurable)), ("clean", String(mark.isClean)),
                ("logMinimum", String(mark.logMinimum)), ("epoch", String(mark.epoch)),
            ])
        }
        return JSONText.object([
            ("commitLogTimestamp", String(fields.commitLogTimestamp)),
            ("consumeQueueTimestamp", String(fields.queueTimestamp)),
            ("indexTimestamp", String(fields.indexTimestamp)),
            ("masterFlushedOffset", String(fields.masterFlushedOffset)),
            ("confirmedOffset", String(fields.confirmedOffset)),
            ("durableMark", written ?? "null"),
        ])
    }

    private static func queue(_ queue: QueueOverview, _ overview: StoreOverview) -> String {
        JSONText.object([
            ("topic", JSONText.string(queue.topic)), ("queueId", String(queue.queueID)),
            ("type", JSONText.string(queue.isBatch ? "BatchCQ" : "SimpleCQ")),
            ("minOffset", JSONText.number(queue.minimum)),
            ("maxOffset", JSONText.number(queue.maximum)),
            ("records", overview.isScanned ? String(queue.records) : "null"),
            ("messages", overview.isScanned ? String(queue.messages) : "null"),
            ("recordBytes", overview.isScanned ? String(queue.recordByteCount) : "null"),
            ("fileBytes", String(queue.fileByteCount)),
            ("diskBytes", String(queue.allocatedByteCount)),
            ("firstStoreTimestamp", JSONText.number(queue.firstStored)),
            ("lastStoreTimestamp", JSONText.number(queue.lastStored)),
        ])
    }

    private static func index(_ index: StoreOverview.Index) -> String {
        JSONText.object([
            ("name", JSONText.string(IndexFileName.name(number: index.file.first))),
            ("bytes", String(index.file.byteCount)),
            ("diskBytes", String(index.file.allocatedByteCount)),
            ("slots", JSONText.number(index.shape?.slotCount)),
            ("capacity", JSONText.number(index.shape?.capacity)),
            ("entries", JSONText.number(index.entryCount)),
            ("slotsInUse", JSONText.number(index.header?.slotsInUse)),
            ("firstStoreTimestamp", JSONText.number(index.header?.beginTimestamp)),
            ("lastStoreTimestamp", JSONText.number(index.header?.endTimestamp)),
            ("minPhysicalOffset", JSONText.number(index.header?.beginPhysicalOffset)),
            ("maxPhysicalOffset", JSONText.number(index.header?.endPhysicalOffset)),
        ])
    }
}
