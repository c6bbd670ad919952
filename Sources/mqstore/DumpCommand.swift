// `mqstore dump`: records, chosen by offset, queue, key and time.

import ApusFormat
import ApusStore
import ApusSystem

/// The command `dump`.
enum DumpCommand {
    static func run(_ words: ArraySlice<String>, _ console: Console) throws -> ExitCode {
        let arguments = try Arguments(
            words, valued: DumpFilter.valued.union(StoreArgument.valued).union(["--index-slots"]),
            plain: DumpFilter.plain)
        let filter = try DumpFilter(arguments)
        let body = try bodyForm(arguments)
        let slots = try arguments.number("--index-slots", 1...Int64(Int32.max))
        let store = try StoreArgument(arguments, console)
        let dump = Dump(
            store, filter, console, isJSON: arguments.has("--json"), body: body,
            slots: slots.map { Int32($0) })
        dump.run()
        console.endProgress()
        for failure in store.files.failures { console.warn("\(failure)") }
        if !store.files.failures.isEmpty { return .couldNotLook }
        return dump.hasDamage ? .findings : .sound
    }

    private static func bodyForm(_ arguments: Arguments) throws -> BodyForm {
        guard let text = arguments.text("--body") else { return .short }
        guard let form = BodyForm(rawValue: text), form != .short else {
            throw UsageError("--body is text, hex or none, not \(text)")
        }
        return form
    }
}

/// One dump: where records are taken from, and where they go.
final class Dump {
    private let disk: any Disk
    private let files: StoreFiles
    private let filter: DumpFilter
    private let console: Console
    private let isJSON: Bool
    private let slots: Int32?
    private let entries: EntryReader
    private let json: RecordJSON
    private let text: RecordText
    private let lookup: LogLookup
    private var left: Int64
    private let total: Int64
    /// Whether something could not be read on the way.
    private(set) var hasDamage = false

    init(
        _ store: StoreArgument, _ filter: DumpFilter, _ console: Console, isJSON: Bool,
        body: BodyForm, slots: Int32?
    ) {
        disk = store.disk
        files = store.files
        self.filter = filter
        self.console = console
        self.isJSON = isJSON
        self.slots = slots
        entries = EntryReader(disk, files)
        json = RecordJSON(entries: entries, body: body)
        text = RecordText(body: body)
        lookup = LogLookup(disk, files)
        left = filter.count ?? .max
        total = files.segments.reduce(0) { $0 + Int64($1.byteCount) }
    }

    func run() {
        guard left > 0 else { return }
        if !filter.isScan {
            if filter.key != nil, dumpByKey() { return }
            if let queue = filter.queue, dumpQueue(queue.topic, queue.id) { return }
        }
        scan(from: filter.offset ?? .min)
    }

    private func scan(from start: Int64) {
        let end = LogScan.run(disk, files, from: start, visitor: self)
        for stretch in end.tail where stretch.isDamage(isClean: !files.hasAbort) { skip(stretch) }
    }

    private func print(_ record: borrowing LogRecord) {
        let decoded = DecodedBody(record)
        if case .failed(let reason, _) = decoded {
            hasDamage = true
            console.warn(
                "the body at physical offset \(record.physicalOffset) cannot be decompressed:"
                    + " \(reason)")
        }
        if isJSON {
            console.line(json.object(record, decoded))
        } else {
            for line in text.lines(record, decoded) { console.line(line) }
        }
        left -= 1
    }

    /// Through the index, then through what the log has behind the index. False: there is no index
    /// to be relied on.
    private func dumpByKey() -> Bool {
        guard let topic = filter.topic, let key = filter.key, !files.index.isEmpty else {
            return false
        }
        let search = KeySearch(disk, files, slots: slots)
        guard let found = (try? search.candidates(topic: topic, key: key)) ?? nil else {
            console.warn("the index cannot be used; going through the log")
            return false
        }
        for offset in found.offsets where left > 0 {
            _ = lookup.lookUp(offset) { record in
                if filter.accepts(record) { print(record) }
            }
        }
        if left > 0 { scan(from: max(found.lastIndexed + 1, filter.offset ?? 0)) }
        return true
    }

    /// By the entries of a ConsumeQueue; then, when the store was killed, through the log behind
    /// the last. False: the queue has no such files.
    private func dumpQueue(_ topic: String, _ queueID: Int32) -> Bool {
        guard let units = entries.units(topic: topic, queueID: queueID),
            let first = units.queue.files.first, let last = units.queue.files.last
        else { return false }
        var number = max(filter.queueOffset ?? 0, units.firstUnit(of: first))
        var reached: Int64 = -1
        while left > 0, number < units.endUnit(of: last) {
            let unit: ConsumeQueueUnit?
            do throws(DiskError) {
                unit = try units.withUnit(number) { ConsumeQueueUnit(loadingFrom: $0, at: 0) }
            } catch {
                damaged("\(error)")
                return true
            }
            guard let unit, unit.isWritten else { break }
            if !unit.isFiller { dump(unit, number, "\(topic)/\(queueID)") }
            reached = max(reached, unit.physicalOffset)
            number += 1
        }
        if left > 0, files.hasAbort { scan(from: reached + 1) }
        return true
    }

    private func dump(_ unit: ConsumeQueueUnit, _ number: Int64, _ queue: String) {
        let outcome = lookup.lookUp(unit.physicalOffset) { record in
            if filter.accepts(record) {
                print(record)
            } else if record.queueOffset != number {
                damaged(
                    "entry \(number) of \(queue) points to another message, at physical offset"
                        + " \(unit.physicalOffset)")
            }
        }
        switch outcome {
        case .record, .beforeLog: break
        default:
            damaged(
                "entry \(number) of \(queue) points to physical offset \(unit.physicalOffset),"
                    + " where no record can be read")
        }
    }

    private func damaged(_ text: String) {
        hasDamage = true
        console.warn(text)
    }
}

extension Dump: LogVisitor {
    func visit(_ record: borrowing LogRecord) -> Bool {
        if filter.accepts(record) { print(record) }
        return left > 0
    }

    func skip(_ stretch: LogStretch) {
        damaged(
            "no record can be read from physical offset \(stretch.start) to \(stretch.end):"
                + " \(stretch.words)")
    }

    func advance(to byteCount: Int64) { console.progress(byteCount, of: total) }
}

extension LogStretch {
    /// Whether the bytes behind the last record are more than space that was never written, or what
    /// a kill leaves.
    fileprivate func isDamage(isClean: Bool) -> Bool {
        switch cause {
        case .unreadable, .missing, .cutShort: true
        case .damaged: isClean
        case .zeros, .remains: false
        }
    }
}
