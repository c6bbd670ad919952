// The store against the model: every queue, every place, keys and times.

import ApusFormat
import ApusStore
import TestSupport

/// A promise that was not kept, in words, with the invariant's number.
struct Violation: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Compares a store that is at rest with the model of it.
struct Comparison {
    let store: MessageStore
    let model: Model
    /// What a reader of queues sees ends here.
    let readable: Int64
    let isIndexed: Bool

    func require(_ holds: Bool, _ words: @autoclosure () -> String) throws {
        if !holds { throw Violation(words()) }
    }

    /// Everything. `numbers` picks the keys and times that are asked for.
    func everything(_ numbers: inout SeededNumbers) throws {
        for queue in model.queues.keys.sorted() { try all(of: queue) }
        try places()
        if isIndexed { try keys(&numbers) }
        try times(&numbers)
    }

    /// The ends of all queues.
    func ends() throws {
        for name in model.queues.keys.sorted() {
            let queue = try store.queue(topic: name.topic, id: name.id)
            let end = try store.maximumOffset(queue)
            try require(
                end == readableEnd(name),
                "I4: \(name) ends at \(end), and \(readableEnd(name)) messages were kept")
        }
    }

    private func readableEnd(_ name: QueueName) -> Int64 {
        let all = model.queues[name] ?? []
        return Int64(all.lastIndex { model.placed[$0].end <= readable }.map { $0 + 1 } ?? 0)
    }

    private func all(of name: QueueName) throws {
        let queue = try store.queue(topic: name.topic, id: name.id)
        let start = store.physicalMinimum
        let minimum = try store.minimumOffset(queue)
        let expected = min(model.minimumOffset(name, start: start), readableEnd(name))
        try require(
            min(minimum, readableEnd(name)) == expected,
            "I9: \(name) begins at \(minimum) instead of \(expected)")
        let end = try store.maximumOffset(queue)
        let last = model.queues[name]?.last.map { model.placed[$0].physicalOffset }
        try require(
            end == readableEnd(name),
            "I4: \(name) ends at \(end), and \(readableEnd(name)) messages were kept, the last of"
                + " them at \(last ?? -1) in \(start)..<\(store.published)")
        var offset = expected
        while offset < end {
            let batch = try store.read(queue, from: offset)
            try require(!batch.isEmpty, "I5: \(name) has nothing at \(offset), before its end")
            for message in try batch.messages() {
                let places = model.queues[name] ?? []
                try require(
                    message.queueOffset == offset, "I4: \(name) serves another at \(offset)")
                try compare(message, model.placed[places[Int(offset)]])
                offset += 1
            }
        }
    }

    /// Every record by its place.
    private func places() throws {
        for one in model.placed[model.firstKept(store.physicalMinimum)...] {
            guard one.end <= readable else { return }
            try compare(try store.message(at: one.physicalOffset), one)
        }
    }

    func compare(_ found: StoredMessage, _ one: PlacedMessage) throws {
        let sent = one.sent.message
        let properties = found.properties.filter { $0.name != "__CRC32#" }
        let number = one.sent.isQueued ? one.queueOffset : 0
        let parts: [(String, Bool)] = [
            ("topic", found.topic == sent.topic), ("queue", found.queueID == sent.queueID),
            ("place", found.physicalOffset == one.physicalOffset),
            ("size", found.byteCount == one.byteCount), ("body", found.body == sent.body),
            // Most are in order; sets cost more than all the rest.
            (
                "properties",
                properties == sent.properties || Set(properties) == Set(sent.properties)
            ),
            ("time", found.storeTimestamp == one.storeTimestamp),
            ("flag", found.fields.flag == sent.attributes.flag),
            ("queue offset", found.queueOffset == number),
        ]
        if parts.allSatisfy(\.1) { return }
        let others = parts.filter { !$0.1 }.map(\.0).joined(separator: ", ")
        throw Violation(
            "I1, I3: the message at \(one.physicalOffset) has another \(others) than number "
                + "\(one.sent.number)"
                + (others == "time" ? ": \(found.storeTimestamp), \(one.storeTimestamp)" : ""))
    }

    private func keys(_ numbers: inout SeededNumbers) throws {
        let kept = model.placed[model.firstKept(store.physicalMinimum)...]
            .filter { $0.end <= readable && $0.sent.isIndexed }
        for _ in 0..<3 {
            guard let one = kept.randomElement(using: &numbers) else { return }
            let sent = one.sent
            for key in sent.keys + [sent.uniqueKey].compactMap({ $0 }) {
                let expected = kept.filter {
                    $0.sent.queue.topic == sent.queue.topic
                        && ($0.sent.keys.contains(key) || $0.sent.uniqueKey == key)
                }
                let found = try store.messages(topic: sent.queue.topic, key: key)
                try require(
                    found.map(\.physicalOffset) == expected.suffix(64).map(\.physicalOffset),
                    "I5: \(key) is found at \(found.map(\.physicalOffset)), and stands at "
                        + "\(expected.map(\.physicalOffset))")
            }
        }
    }

    private func times(_ numbers: inout SeededNumbers) throws {
        guard let name = model.queues.keys.sorted().randomElement(using: &numbers) else { return }
        let queue = try store.queue(topic: name.topic, id: name.id)
        let low = model.minimumOffset(name, start: store.physicalMinimum)
        let high = readableEnd(name)
        guard low < high, let places = model.queues[name] else { return }
        let probe =
            model.placed[places[Int(Int64.random(in: low..<high, using: &numbers))]]
            .storeTimestamp + Int64.random(in: -1...1, using: &numbers)
        let expected = (low..<high).first { model.placed[places[Int($0)]].storeTimestamp >= probe }
        let found = try store.offset(in: queue, at: probe)
        try require(
            found == expected ?? high,
            "\(name) has \(found) for the time \(probe), not "
                + "\(expected ?? high)")
    }
}
