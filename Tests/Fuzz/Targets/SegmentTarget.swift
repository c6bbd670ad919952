// A whole small store, opened: recovery takes whatever stands there, and again the same way.
//
// What must hold: no trap; what is served is a whole record that stood there before; bytes below
// the durable mark stay; a refusal changes nothing in the log; opening again changes nothing in it
// and, unless marks or numbers say what cannot have been, shows the same.

import ApusFormat
import ApusStore
import ApusSystem

enum SegmentTarget {
    /// What a store shows after it was opened.
    private struct State: Equatable {
        var published: Int64 = 0
        var damaged: [DamagedRange] = []
        /// Records by queue: where they stand, 0 - 1 for one that cannot be read.
        var queues: [String] = []
    }

    static func run(_ input: [UInt8], _ scratch: FuzzScratch) throws(FuzzFinding) {
        let image = SegmentImage(input)
        try scratch.empty()
        try image.write(to: scratch)
        try survey(scratch)
        guard let first = try open(image, scratch, within: image.log) else {
            let log = try log(scratch)
            return try expect(
                log == image.log || image.origin == .apusKilled, "a refusal changed the log")
        }
        let log = try log(scratch)
        try expect(
            log.prefix(image.durable).elementsEqual(image.log.prefix(image.durable)),
            "bytes below the durable mark have changed")
        try expect(
            log.prefix(Int(first.published)).elementsEqual(
                image.log.prefix(Int(first.published))),
            "bytes before the end have changed")
        let second = try open(image, scratch, within: log)
        if image.isPlausible {
            try expectEqual(second, first, "opened again, the store shows something else")
        }
        // Behind the end of a store that says it was closed nothing is looked for the first time.
        let kept = image.origin == .apusClosed ? Int(first.published) : log.count
        try expect(
            try self.log(scratch).prefix(kept).elementsEqual(log.prefix(kept)),
            "opened again, the log is another")
        try append(image, scratch, first)
        try survey(scratch)
    }

    /// What `mqstore verify` reads: it may find anything, and must come back.
    private static func survey(_ scratch: FuzzScratch) throws(FuzzFinding) {
        do throws(StoreError) {
            let files = try StoreFiles.survey(
                scratch.disk, StoreDirectory(root: scratch.path))
            _ = Verification.run(scratch.disk, files)
        } catch {
            throw FuzzFinding("the directory cannot be listed: \(error)")
        }
    }

    private static func log(_ scratch: FuzzScratch) throws(FuzzFinding) -> [UInt8] {
        var bytes: [UInt8] = []
        var base: Int64 = 0
        while let segment = try scratch.read("commitlog/\(StoreDirectory.fileName(base))") {
            bytes += segment
            base += Int64(SegmentImage.segmentByteCount)
        }
        return bytes
    }

    private static func store(
        _ image: SegmentImage, _ scratch: FuzzScratch
    ) throws(StoreError) -> MessageStore {
        try MessageStore.open(
            scratch.path, image.configuration, observer: nil, disk: scratch.disk,
            time: .manual(ManualClock(wallMilliseconds: 1_700_000_000_000)))
    }

    /// Opens the store, looks at everything and lets go of it; nil when it is refused.
    private static func open(
        _ image: SegmentImage, _ scratch: FuzzScratch, within log: [UInt8]
    ) throws(FuzzFinding) -> State? {
        let opened: MessageStore
        do throws(StoreError) { opened = try store(image, scratch) } catch {
            try expect(!error.description.isEmpty, "a refusal says why")
            return nil
        }
        return try look(at: opened, within: log)
    }

    private static func look(
        at store: MessageStore, within log: [UInt8]
    ) throws(FuzzFinding) -> State {
        var state = State(published: store.published, damaged: store.damagedRanges)
        try expect(
            state.published >= 0 && state.published <= Int64(log.count), "the end lies within")
        do {
            for name in try store.queues() {
                let queue = try store.queue(topic: name.topic, id: name.id)
                let end = try store.maximumOffset(queue)
                var offset = try store.minimumOffset(queue)
                guard offset >= 0, end - offset < 4096 else { continue }
                while offset < end {
                    let found = try read(store, queue, offset, log)
                    state.queues.append("\(name)/\(offset):\(found)")
                    offset += 1
                }
                for time in [Int64.min, 1500, .max] {
                    _ = try? store.offset(in: queue, at: time)
                    _ = try? store.offset(in: queue, at: time, boundary: .upper)
                }
            }
            for key in ["k1", "u", "none"] {
                for message in try store.messages(topic: "T", key: key) {
                    let holds = message.keys.contains(key) || message.property("UNIQ_KEY") == key
                    try expect(holds, "a query found a message without the key")
                }
            }
        } catch let finding as FuzzFinding {
            throw finding
        } catch {
            // A queue or an index that cannot be had.
            state.queues.append("\(error)")
        }
        return state
    }

    /// The place of the record that a queue offset leads to, after a second look at it.
    private static func read(
        _ store: MessageStore, _ queue: MessageQueue, _ offset: Int64, _ log: [UInt8]
    ) throws(FuzzFinding) -> Int64 {
        let batch: MessageBatch
        do throws(StoreError) {
            batch = try store.read(queue, from: offset, count: 1)
        } catch { return -1 }
        var place: Int64 = -1
        try batch.forEach { (record) throws(FuzzFinding) in
            place = record.physicalOffset
            try expect(
                place >= 0 && place < Int64(log.count) && record.queueOffset >= offset,
                "a record of another queue offset")
            let segment = SegmentImage.segmentByteCount
            let end = (Int(place) / segment + 1) * segment
            let plain = NaiveRecord(
                Array(log[Int(place)..<min(end, log.count)]), physicalOffset: place, checks: .all)
            try expectEqual(plain, .record(record.frame), "a record that is served")
            try expect(
                log[Int(place)..<Int(place) + record.frame.totalSize]
                    .elementsEqual([UInt8](record.bytes)), "bytes that did not stand there")
        }
        return place
    }

    /// The store goes on: a message is taken, is there after a close, and the rest is as it was.
    private static func append(
        _ image: SegmentImage, _ scratch: FuzzScratch, _ before: State
    ) throws(FuzzFinding) {
        let message = Message(
            topic: "New", queueID: 1, body: Array("after".utf8), tags: "t", keys: ["new"])
        do {
            let store = try store(image, scratch)
            let result = try store.append(message)
            try expect(result.physicalOffset >= before.published, "a place before the end")
            for agent in store.agents { _ = agent.doWork() }
            try store.close()
            let again = try self.store(image, scratch)
            let found = try again.read(again.queue(topic: "New", id: 1), from: 0).messages()
            try expectEqual(found.map(\.body), [message.body], "the new message")
            let keyed = try again.messages(topic: "New", key: "new")
            if image.hasPlausibleMarks {
                try expectEqual(
                    keyed.map(\.physicalOffset), [result.physicalOffset],
                    "the new message by its key")
            }
            try again.close()
        } catch let finding as FuzzFinding {
            throw finding
        } catch {
            throw FuzzFinding("a message after recovery: \(error)")
        }
    }
}
