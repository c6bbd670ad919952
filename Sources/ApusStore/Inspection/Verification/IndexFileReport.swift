// What a check of one IndexFile against itself says in words.

import ApusFormat
import ApusSystem

/// Checks an IndexFile and reports what is wrong with it.
struct IndexFileReport {
    private let context: VerificationContext
    private let file: FoundFile
    private let path: String

    init(_ context: VerificationContext, _ file: FoundFile) {
        self.context = context
        self.file = file
        path = context.relative(file.path)
    }

    /// The open file and what was found; nil when it cannot be compared with the log.
    func check(progress: (Int64) -> Void) -> (reader: IndexReader, check: IndexFileCheck)? {
        guard let shape = shape() else { return nil }
        do throws(DiskError) {
            guard let reader = try IndexReader(context.disk, file, shape) else {
                add(.indexFile, "\(path) is too short for a header.")
                return nil
            }
            let check = try IndexFileCheck(reader) { number in
                progress(Int64(number) * Int64(IndexLayout.entryByteCount))
            }
            if isWrongShape(check) {
                context.derived.isIndexShapeUnknown = true
                add(
                    .indexFile,
                    "The chains of \(path) do not fit \(shape.slotCount) slots and"
                        + " \(shape.capacity) entries, which is how many its length stands for with"
                        + " four entries a slot. If maxHashSlotNum was configured, pass"
                        + " --index-slots with its value.")
                return nil
            }
            context.derived.indexShape = shape
            report(reader, check)
            return (reader, check)
        } catch {
            context.noteUnreadable(error, consumers: "Queries by key miss messages.")
            return nil
        }
    }

    private func shape() -> IndexShape? {
        if let shape = IndexShape(byteCount: file.byteCount, slots: context.options.indexSlots) {
            return shape
        }
        if file.byteCount > 0 { context.derived.isIndexShapeUnknown = true }
        if file.byteCount == 0 {
            add(.indexFile, "\(path) is empty.")
        } else if let slots = context.options.indexSlots {
            add(
                .indexFile,
                "\(path) has \(file.byteCount) bytes, which \(slots) slots and whole entries do not"
                    + " make.")
        } else {
            add(
                .indexFile,
                "\(path) has \(file.byteCount) bytes, which a header and slots with four entries"
                    + " each do not make: it was cut short, or maxHashSlotNum and maxIndexNum were"
                    + " configured otherwise; then pass --index-slots.")
        }
        return nil
    }

    /// Many chains are broken in a file of another shape, few in a damaged one.
    private func isWrongShape(_ check: IndexFileCheck) -> Bool {
        context.options.indexSlots == nil && check.entryCount >= 16
            && (check.chains.count + check.hashes.count) * 4 > check.entryCount
    }

    private func report(_ reader: IndexReader, _ check: IndexFileCheck) {
        let missed = "Queries by key may miss messages."
        if check.chains.count > 0 {
            let fault = check.chains
            let loop = fault.found >= fault.number ? " A reader would go round in circles." : ""
            add(
                .indexChain, count: fault.count, at: entryOffset(fault.number, reader),
                "\(fault.count) \(fault.count == 1 ? "entry does" : "entries do") not name the"
                    + " entry before in its slot; first entry \(fault.number), which names"
                    + " \(fault.found) instead of \(fault.expected).\(loop)", missed)
        }
        if check.hashes.count > 0 {
            add(
                .indexHash, count: check.hashes.count,
                at: entryOffset(check.hashes.number, reader),
                "\(check.hashes.count) entries have a negative hash, which no key has; first entry"
                    + " \(check.hashes.number).", missed)
        }
        if check.slots.count > 0 {
            let fault = check.slots
            add(
                .indexSlot, count: fault.count, at: Int64(IndexLayout.slotOffset(fault.number)),
                "\(fault.count) \(fault.count == 1 ? "slot does" : "slots do") not name the newest"
                    + " entry; first slot \(fault.number), which names \(fault.found) instead of"
                    + " \(fault.expected).", missed)
        }
        reportHeader(reader, check)
    }

    private func reportHeader(_ reader: IndexReader, _ check: IndexFileCheck) {
        let header = reader.header
        func add(_ what: String) { self.add(.indexHeader, at: 0, what) }
        if header.nextEntry > reader.shape.capacity || header.nextEntry < 0 {
            add(
                "The header counts \(header.nextEntry) entries; there is room for"
                    + " \(reader.shape.capacity).")
        } else if check.end > reader.countedEnd {
            add(
                "The header counts \(reader.countedEnd - 1) entries; \(check.entryCount) stand in"
                    + " the file.")
        } else if check.entryCount > 0, header.slotsInUse != check.slotsInUse {
            add("The header counts \(header.slotsInUse) slots in use; \(check.slotsInUse) are.")
        }
        if let first = check.firstOffset, check.end == reader.countedEnd,
            header.beginPhysicalOffset != first
        {
            add(
                "The header says that the first message stands at physical offset"
                    + " \(header.beginPhysicalOffset); the first entry says \(first).")
        }
        if let last = check.lastOffset, check.end == reader.countedEnd,
            header.endPhysicalOffset != last
        {
            add(
                "The header says that the last message stands at physical offset"
                    + " \(header.endPhysicalOffset); the last entry says \(last).")
        }
        timestamps(header, check, add)
    }

    /// The header's times are those of the first and the last message.
    private func timestamps(
        _ header: IndexHeader, _ check: IndexFileCheck, _ add: (String) -> Void
    ) {
        let ends = [
            ("first", check.firstOffset, header.beginTimestamp),
            ("last", check.lastOffset, header.endTimestamp),
        ]
        for (name, offset, timestamp) in ends {
            guard let offset else { continue }
            var stored: Int64?
            _ = context.lookup.lookUp(offset) { stored = $0.storeTimestamp }
            if let stored, stored != timestamp {
                add(
                    "The header says that the \(name) message was stored at \(timestamp); its"
                        + " record says \(stored).")
            }
        }
    }

    private func entryOffset(_ number: Int32, _ reader: IndexReader) -> Int64 {
        Int64(IndexLayout.entryOffset(number, slotCount: reader.shape.slotCount))
    }

    /// After a kill, RocketMQ deletes each IndexFile with messages past its index checkpoint and
    /// makes it again, and Apus everything past the durable mark.
    private func add(
        _ kind: FindingKind, count: Int64 = 1, at fileOffset: Int64? = nil, _ what: String,
        _ consumers: String = "Queries by key may miss messages."
    ) {
        let isRebuilt = !context.isClean && context.isIndexRebuilt(file)
        if !isRebuilt { context.derived.isIndexWrong = true }
        context.findings.add(
            Finding(
                isRebuilt ? .note : .inconsistency, kind,
                at: Finding.Place(path: path, fileOffset: fileOffset), count: count,
                isRebuilt ? what + " The next open makes the file again." : what,
                consumers: isRebuilt ? "None after the next open." : consumers))
    }
}
