// The ways to find messages that are there: by queue and offset, physical offset, time and key.

import ApusFormat
import ApusSystem
import TestSupport

@testable import ApusStore

extension ReaderCrew {
    /// Starts a thread for each way to read.
    func startReading() throws {
        try reader("by queue") { crew, numbers in try crew.readQueue(&numbers) }
        try reader("by place") { crew, numbers in try crew.readPlace(&numbers) }
        try reader("by time") { crew, numbers in try crew.findTime(&numbers) }
        try reader("by key") { crew, numbers in try crew.findKey(&numbers) }
        try reader("bounds") { crew, _ in try crew.readBounds() }
        try reader("scrubber") { crew, _ in try crew.scrub() }
        try reader("waiting") { crew, numbers in try crew.wait(&numbers) }
        try reader("callback") { crew, numbers in try crew.callBack(&numbers) }
    }

    /// Whether a message may be missing: its segment was deleted.
    func isDeleted(_ queue: Int32, _ offset: Int64) throws -> Bool {
        try offset < store.minimumOffset(queues[Int(queue)])
    }

    /// A batch holds what follows the offset, but for what was deleted.
    private func readQueue(_ numbers: inout SeededNumbers) throws {
        let (id, offset) = try choose(&numbers)
        let wanted = numbers.next() % 3 == 0 ? WrittenMessages.tag(offset) : nil
        let batch = try store.read(
            queues[Int(id)], from: offset, count: Int.random(in: 1...40, using: &numbers),
            filter: wanted.map { TagFilter($0) } ?? .all)
        var next = offset
        for message in try batch.messages() {
            fail(written.fault(in: message))
            if message.queueID != id { fail("a message of queue \(message.queueID) in \(id)") }
            try checkGap(id, next..<message.queueOffset, wanted)
            next = message.queueOffset + 1
        }
        try checkGap(id, next..<batch.nextOffset, wanted)
        if batch.nextOffset == offset, offset < batch.offsets.upperBound {
            fail("nothing of \(id) at \(offset), which is in \(batch.offsets)")
        }
        if !batch.isEmpty { fail(held.keep(.batch(batch), &numbers)) }
    }

    /// What a batch passes over was deleted, or is not wanted.
    private func checkGap(_ id: Int32, _ gap: Range<Int64>, _ tag: String?) throws {
        for offset in gap where tag == nil || WrittenMessages.tag(offset) == tag {
            if try !isDeleted(id, offset) { fail("\(id)/\(offset) was passed over") }
        }
    }

    private func readPlace(_ numbers: inout SeededNumbers) throws {
        let (id, offset) = try choose(&numbers)
        guard let place = written.place(id, offset), let physical = place.physicalOffset else {
            return
        }
        let message = try store.message(at: physical)
        fail(written.fault(in: message))
        if message.queueID != id || message.queueOffset != offset {
            fail("\(message.queueID)/\(message.queueOffset) at \(physical), not \(id)/\(offset)")
        }
        if try store.message(id: message.messageID) != message { fail("another by its id") }
        fail(held.keep(.record(try store.log.record(at: physical)), &numbers))
    }

    private func findTime(_ numbers: inout SeededNumbers) throws {
        let (id, offset) = try choose(&numbers)
        guard let place = written.place(id, offset) else { return }
        let moment = place.timestamp + Int64.random(in: -1...1, using: &numbers)
        let queue = queues[Int(id)]
        // What comes meanwhile may be of the same millisecond.
        let end = written.count(id)
        let lower = try store.offset(in: queue, at: moment, boundary: .lower)
        if lower < end, let found = written.place(id, lower), found.timestamp < moment {
            fail("\(id)/\(lower) of \(found.timestamp) is before \(moment)")
        }
        if let before = written.place(id, lower - 1), before.timestamp >= moment,
            try !isDeleted(id, lower - 1)
        {
            fail("\(id)/\(lower) is not the first at \(moment)")
        }
        let upper = try store.offset(in: queue, at: moment, boundary: .upper)
        if let found = written.place(id, upper), found.timestamp > moment,
            try upper > store.minimumOffset(queue)
        {
            fail("\(id)/\(upper) of \(found.timestamp) is behind \(moment)")
        }
        if upper + 1 < end, let next = written.place(id, upper + 1), next.timestamp <= moment {
            fail("\(id)/\(upper) is not the last at \(moment)")
        }
    }

    private func findKey(_ numbers: inout SeededNumbers) throws {
        let (id, offset) = try choose(&numbers)
        guard written.place(id, offset) != nil else { return }
        let key = WrittenMessages.key(id, offset)
        let found = try store.messages(topic: WrittenMessages.topic, key: key)
        let one = try store.message(
            topic: WrittenMessages.topic, uniqueKey: WrittenMessages.id(id, offset))
        if found.isEmpty || one == nil, try !isDeleted(id, offset) { fail("\(key) is not found") }
        if found.count > 1 { fail("\(key) is found \(found.count) times") }
        for message in found + (one.map { [$0] } ?? []) {
            fail(written.fault(in: message))
            if message.queueOffset != offset || message.queueID != id { fail("another for \(key)") }
        }
    }

    /// Both ends of a queue only ever rise.
    private func readBounds() throws {
        for queue in queues {
            let before = (try store.minimumOffset(queue), try store.maximumOffset(queue))
            let after = (try store.minimumOffset(queue), try store.maximumOffset(queue))
            if after.0 < before.0 || after.1 < before.1 { fail("from \(before) to \(after)") }
            if before.0 > after.1 { fail("\(before.0) to \(after.1)") }
            if after.1 < written.count(queue.id), try store.maximumOffset(queue) < after.1 {
                fail("\(after.1) of \(written.count(queue.id))")
            }
        }
        if try store.queues().count != queues.count { fail("other queues") }
        if !store.damagedRanges.isEmpty { fail("damage") }
    }

    private func scrub() throws {
        try store.checkOpen()
        _ = store.scrubber.doWork()
        if store.scrubbing.findingCount > 0 { fail("the scrubber finds something") }
        SystemThread.sleep(nanoseconds: 100_000)
    }
}
