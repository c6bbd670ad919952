// The overview for people.

import ApusFormat
import ApusStore

/// Prints an overview.
struct InfoText {
    /// Longer names of topics are cut in the table; `--json` has them whole.
    private static let topicWidth = 36

    private let overview: StoreOverview
    private let files: StoreFiles
    private let console: Console

    init(_ overview: StoreOverview, _ console: Console) {
        self.overview = overview
        self.console = console
        files = overview.files
    }

    func print() {
        field("store", files.directory.root)
        field("written by", files.isApus ? "Apus" : "RocketMQ (there is no durable mark)")
        field("shut down", shutdown)
        printLog()
        printCheckpoint()
        printQueues()
        printIndex()
    }

    private func field(_ name: String, _ value: String) {
        console.line(name.padded(to: 12) + value)
    }

    private var shutdown: String {
        if files.isLocked { return "no: a process has the store open" }
        return files.hasAbort ? "not cleanly: abort is there" : "cleanly"
    }

    private func printLog() {
        let segments = files.segments
        let disk = segments.reduce(Int64(0)) { $0 + Int64($1.allocatedByteCount) }
        guard let first = segments.first, let last = segments.last else {
            field("CommitLog", "no files")
            return
        }
        let sizes = Set(segments.map(\.byteCount)).sorted()
        let size = sizes.map { ByteCount.text(Int64($0)) }.joined(separator: " or ")
        field(
            "CommitLog",
            "\(segments.count) \(segments.count == 1 ? "file" : "files") of \(size), "
                + "\(ByteCount.text(disk)) on disk")
        field("", "bytes \(first.first) to \(last.end), records to \(overview.logEnd)")
        if overview.isScanned {
            let messages =
                overview.messages == overview.records
                ? "" : " with \(overview.messages) messages"
            field(
                "records",
                "\(overview.records)\(messages), \(ByteCount.text(overview.recordByteCount))")
        } else {
            field("records", "not counted: of the log only the newest file was read (--fast)")
        }
        if overview.damagedStretches > 0 {
            field(
                "DAMAGE",
                "\(overview.damagedStretches) stretches without records,"
                    + " \(ByteCount.text(overview.damagedByteCount)): see mqstore verify")
        }
        if let first = overview.firstStored, let last = overview.lastStored {
            field("stored", "\(TimeText.text(first)) to \(TimeText.text(last))")
        }
    }

    private func printCheckpoint() {
        switch files.checkpoint {
        case .missing: field("checkpoint", "there is none")
        case .unreadable(let error): field("checkpoint", "\(error)")
        case .short(let count): field("checkpoint", "\(count) bytes, too few to be one")
        case .read(let fields, let mark, let slots):
            field("checkpoint", "log on disk to \(time(fields.commitLogTimestamp))")
            field("", "queues to \(time(fields.queueTimestamp))")
            field("", "index to \(time(fields.indexTimestamp))")
            print(mark, slots)
        }
    }

    private func time(_ milliseconds: Int64) -> String {
        milliseconds == 0 ? "an unknown time" : TimeText.text(milliseconds)
    }

    private func print(_ mark: DurableMark?, _ slots: CheckpointReading.Slots) {
        guard let mark else {
            switch slots {
            case .none: break
            case .written: field("mark", "void: RocketMQ wrote to checkpoint since")
            case .damaged: field("mark", "damaged: neither slot is whole")
            }
            return
        }
        field(
            "mark",
            "on disk: log to \(mark.logDurable), queues to \(mark.queuesDurable), index to"
                + " \(mark.indexDurable)")
        let occasion = mark.isClean ? "at a clean shutdown" : "while open"
        field("", "written \(mark.generation) times, last \(occasion)")
    }

    private func printQueues() {
        guard !overview.queues.isEmpty else { return }
        var table = TextTable([
            ("TOPIC", .left), ("QUEUE", .right), ("MIN", .right), ("MAX", .right),
            ("MESSAGES", .right), ("BYTES", .right), ("DISK", .right), ("FIRST STORED", .left),
            ("LAST STORED", .left),
        ])
        var rest = overview.queues[...]
        while let first = rest.first {
            let queues = Array(rest.prefix { $0.topic == first.topic })
            rest = rest.dropFirst(queues.count)
            add(queues, to: &table)
        }
        console.line()
        for line in table.lines { console.line(line) }
    }

    /// A row for the topic, and one for each of its queues when there are several.
    private func add(_ queues: [QueueOverview], to table: inout TextTable) {
        guard let first = queues.first else { return }
        let name = Printable.text(first.topic)
        let topic =
            name.count > Self.topicWidth ? name.prefix(Self.topicWidth - 1) + "…" : name
        if queues.count == 1 {
            table.add([topic] + cells(first))
            return
        }
        let messages = queues.reduce(Int64(0)) { $0 + count($1) }
        let bytes = queues.reduce(Int64(0)) { $0 + $1.recordByteCount }
        let disk = queues.reduce(Int64(0)) { $0 + $1.allocatedByteCount }
        table.add([
            topic, "all \(queues.count)", "", "", String(messages), size(bytes),
            ByteCount.text(disk), short(queues.compactMap(\.firstStored).min()),
            short(queues.compactMap(\.lastStored).max()),
        ])
        for queue in queues { table.add([""] + cells(queue)) }
    }

    private func cells(_ queue: QueueOverview) -> [String] {
        [
            String(queue.queueID) + (queue.isBatch ? " batch" : ""),
            queue.minimum.map { String($0) } ?? "-", queue.maximum.map { String($0) } ?? "-",
            String(count(queue)), size(queue.recordByteCount),
            queue.hasFiles ? ByteCount.text(queue.allocatedByteCount) : "no files",
            short(queue.firstStored), short(queue.lastStored),
        ]
    }

    /// Messages as the log has them; without a scan as many as there are queue offsets.
    private func count(_ queue: QueueOverview) -> Int64 {
        overview.isScanned ? queue.messages : (queue.maximum ?? 0) &- (queue.minimum ?? 0)
    }

    private func size(_ count: Int64) -> String {
        overview.isScanned ? ByteCount.text(count) : "-"
    }

    /// To the second: `2026-11-22 11:36:22`.
    private func short(_ milliseconds: Int64?) -> String {
        guard let milliseconds else { return "-" }
        let text = TimeText.text(milliseconds)
        return text.contains("T") ? String(text.prefix(19).replacing("T", with: " ")) : text
    }

    private func printIndex() {
        guard !overview.index.isEmpty else {
            console.line()
            console.line("There is no index.")
            return
        }
        var table = TextTable([
            ("INDEX FILE", .left), ("SLOTS", .right), ("IN USE", .right), ("ENTRIES", .right),
            ("OF", .right), ("DISK", .right), ("FIRST STORED", .left), ("LAST STORED", .left),
        ])
        for index in overview.index {
            let name = IndexFileName.name(number: index.file.first) ?? index.file.path
            table.add([
                name, index.shape.map { String($0.slotCount) } ?? "?",
                index.header.map { String($0.slotsInUse) } ?? "?",
                index.entryCount.map { String($0) } ?? "?",
                index.shape.map { String($0.capacity - 1) } ?? "?",
                ByteCount.text(Int64(index.file.allocatedByteCount)),
                short(index.header?.beginTimestamp), short(index.header?.endTimestamp),
            ])
        }
        console.line()
        for line in table.lines { console.line(line) }
        if overview.index.contains(where: { $0.shape == nil }) {
            console.line("(? : pass --index-slots with the broker's maxHashSlotNum)")
        }
    }
}

extension String {
    /// The text with spaces behind it up to a width.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
