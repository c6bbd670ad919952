// Messages of a delay level come due, are delivered in order, and are found again after a crash.

import ApusFormat
import ApusStore
import ApusSystem
import TestSupport
import Testing

@testable import ApusBroker

@Suite("a delay level") struct DelayLevelTests {
    private let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)

    private func openStore(_ path: String) throws -> MessageStore {
        var configuration = StoreConfiguration.small
        configuration.threads = .manual
        return try MessageStore.open(
            path, configuration, observer: nil, disk: SystemDisk(), time: .manual(clock))
    }

    private func level(_ store: MessageStore, from offset: Int64 = 0) throws -> DelayLevelQueue {
        try DelayLevelQueue(level: 2, delay: 5_000, store: store, from: offset)
    }

    /// Stores a message of level 2 as the broker does.
    private func send(_ number: Int, to store: MessageStore) throws {
        let properties = Properties.encode([
            Property(name: "TAGS", value: "T"), Property(name: "DELAY", value: "2"),
        ])
        let made = DelayedMessage(
            topic: "Orders", queueID: 3, properties: properties.rawSpan, table: .standard)
        let delayed = try #require(made)
        #expect(delayed.level == 2)
        _ = try store.append(
            to: store.queue(topic: WellKnownName.schedule, id: 1), body: [UInt8(number)].rawSpan,
            properties: delayed.properties.rawSpan)
    }

    private func delivered(_ store: MessageStore) throws -> [UInt8] {
        try store.read(store.queue(topic: "Orders", id: 3), from: 0).messages().flatMap(\.body)
    }

    @Test("delivers each message when its time has come, in order, and not before")
    func delivers() throws {
        let directory = try TemporaryDirectory()
        let store = try openStore(directory.path)
        var level = try level(store)
        let start = clock.wallMilliseconds
        #expect(level.step(now: start) { _ in } == .whenReadable)
        try send(1, to: store)
        clock.advance(milliseconds: 1_000)
        try send(2, to: store)
        #expect(level.step(now: start + 1_000) { _ in } == .at(start + 5_000))
        #expect(level.step(now: start + 4_999) { _ in } == .at(start + 5_000))
        #expect(try delivered(store).isEmpty)
        #expect(level.step(now: start + 5_000) { _ in } == .at(start + 6_000))
        #expect(try delivered(store) == [1])
        #expect(level.step(now: start + 9_000) { _ in } == .whenReadable)
        #expect(try delivered(store) == [1, 2])
        let message = try #require(
            try store.read(store.queue(topic: "Orders", id: 3), from: 0).messages().first)
        #expect(message.tags == "T")
        #expect(message.property("REAL_TOPIC") == "Orders" && message.property("REAL_QID") == "3")
        try store.close()
    }

    @Test("goes on where it is told to, within what the queue holds")
    func resumes() throws {
        let directory = try TemporaryDirectory()
        let store = try openStore(directory.path)
        for number in 1...3 { try send(number, to: store) }
        clock.advance(milliseconds: 60_000)
        let now = clock.wallMilliseconds
        var late = try level(store, from: 2)
        #expect(late.step(now: now) { _ in } == .whenReadable)
        #expect(try delivered(store) == [3])
        var beyond = try level(store, from: 99)
        #expect(beyond.offset == 3)
        #expect(beyond.step(now: now) { _ in } == .whenReadable)
        var again = try level(store, from: -5)
        #expect(again.step(now: now) { _ in } == .whenReadable)
        #expect(try delivered(store) == [3, 1, 2, 3])
        #expect(again.deliveredEnd == store.published)
        try store.close()
    }

    @Test("makes no message wait longer than the level when the clock is set back")
    func clockSetBack() throws {
        let directory = try TemporaryDirectory()
        let store = try openStore(directory.path)
        var level = try level(store)
        try send(1, to: store)
        let back = clock.wallMilliseconds - 3_600_000
        #expect(level.step(now: back) { _ in } == .at(back + 5_000))
        try store.close()
    }

    @Test("passes over messages that belong nowhere, and says so of bad names")
    func nowhere() throws {
        let directory = try TemporaryDirectory()
        let store = try openStore(directory.path)
        let queue = try store.queue(topic: WellKnownName.schedule, id: 1)
        _ = try store.append(to: queue, body: [9].rawSpan)
        let bad = Properties.encode([
            Property(name: "REAL_TOPIC", value: "../../x"),
            Property(name: "REAL_QID", value: "0"),
        ])
        _ = try store.append(to: queue, body: [8].rawSpan, properties: bad.rawSpan)
        try send(1, to: store)
        clock.advance(milliseconds: 5_000)
        var level = try level(store)
        var errors: [StoreError] = []
        #expect(level.step(now: clock.wallMilliseconds) { errors.append($0) } == .whenReadable)
        #expect(errors.count == 1)
        #expect(try delivered(store) == [1])
        try store.close()
    }
}

@Suite("a message's delay") struct DelayedMessageTests {
    private func level(_ value: String) -> Int? {
        let properties = Properties.encode([Property(name: "DELAY", value: value)])
        return DelayedMessage.level(of: properties.rawSpan, table: .standard)
    }

    @Test("is none for what is no level, and the last for more")
    func levels() {
        #expect(level("1") == 1 && level("18") == 18 && level("19") == 18)
        #expect(level("0") == nil && level("-1") == nil && level("x") == nil)
        #expect(DelayTable.standard.delay(level: 1) == 1_000)
        #expect(DelayTable.standard.delay(level: 18) == 7_200_000)
    }

    @Test("replaces an earlier place by the new one")
    func places() throws {
        let properties = Properties.encode([
            Property(name: "REAL_TOPIC", value: "Old"),
            Property(name: "REAL_QID", value: "9"),
            Property(name: "DELAY", value: "3"),
        ])
        let made = DelayedMessage(
            topic: "New", queueID: 1, properties: properties.rawSpan, table: .standard)
        let delayed = try #require(made)
        #expect(
            Properties.decode(delayed.properties.rawSpan) == [
                Property(name: "DELAY", value: "3"),
                Property(name: "REAL_TOPIC", value: "New"),
                Property(name: "REAL_QID", value: "1"),
            ])
    }
}
