// Valid records from behind damage, in a store of their own.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

@Suite("a salvage") struct SalvageTests {
    private func salvage(
        _ root: String, to path: String, from start: Int64 = .min
    ) throws -> SalvageReport {
        try Salvage.run(SystemDisk(), StoreDirectory(root: root), to: path, from: start)
    }

    @Test("keeps each message that can be read, with all but its place in the log")
    func golden() throws {
        let golden = try GoldenStore("clean")
        let second = "\(golden.root)/commitlog/00000000000000065536"
        try flipByte(second, at: 90)
        try overwrite(second, at: 20_039, with: [UInt8](repeating: 0, count: 3000))
        let before = try contents(of: golden.root)
        let path = "\(golden.directory.path)/salvaged"
        let report = try salvage(golden.root, to: path)
        #expect(try contents(of: golden.root) == before, "the old store is read only")
        #expect(report.verification?.verdict == .sound)
        let lost = Set(
            golden.manifest.messages.filter { message in
                report.leftOut.contains { ($0.start..<$0.end).contains(message.physicalOffset) }
            }.map(\.physicalOffset))
        #expect(lost.count == 8 && report.records == Int64(golden.manifest.messages.count - 8))
        #expect(report.renumbered.isEmpty)
        let store = try MessageStore.open(path, tinyConfiguration())
        let queues = Set(
            golden.manifest.consumeQueues.filter { $0.dir == "consumequeue" }.map(\.topic))
        for expected in golden.manifest.messages where !lost.contains(expected.physicalOffset) {
            let old = expected.physicalOffset
            let move = try #require(report.moves.first { $0.old.contains(old) })
            let message = try store.message(at: move.newStart + old - move.old.lowerBound)
            #expect(message.queueOffset == expected.queueOffset)
            #expect(message.topic == expected.topic && message.queueID == expected.queueId)
            #expect(message.bornTimestamp == expected.bornTimestamp)
            #expect(message.storeTimestamp == expected.storeTimestamp)
            #expect(
                message.fields.flag == expected.flag
                    && message.fields.reconsumeTimes == expected.reconsumeTimes)
            #expect(message.body.count == expected.bodyLen)
            #expect(
                Dictionary(message.properties.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
                    == expected.properties)
            guard queues.contains(expected.topic), message.fields.systemFlag.isDispatched else {
                continue
            }
            let queue = try store.queue(topic: expected.topic, id: expected.queueId)
            let read = try store.read(queue, from: expected.queueOffset, count: 1).messages()
            #expect(read.map(\.queueOffset) == [expected.queueOffset])
            #expect(read.map(\.body) == [message.body])
        }
        for queue in golden.manifest.consumeQueues where queue.dir == "consumequeue" {
            let open = try store.queue(topic: queue.topic, id: queue.queueId)
            #expect(try store.maximumOffset(open) == queue.maxOffset)
        }
        // Goes on where it was.
        try store.append(message(7))
        try store.close()
        #expect(try verify(path).verdict == .sound)
        #expect(
            try contents(of: path)["config/consumerOffset.json"]
                == before["config/consumerOffset.json"])
    }

    @Test("gives a record whose number is damaged the one that its queue has for it")
    func renumbered() throws {
        let directory = try TemporaryDirectory()
        let root = "\(directory.path)/store"
        var places: [AppendResult] = []
        let store = try MessageStore.open(
            root, tinyConfiguration { $0.integrity.appendsRecordChecksum = false })
        for number in 0..<60 { places.append(try store.append(message(number))) }
        try store.close()
        let log = "\(root)/commitlog/00000000000000000000"
        try flipByte(log, at: Int(places[20].physicalOffset) + 26)
        try flipByte(log, at: Int(places[30].physicalOffset) + 100)
        let report = try salvage(root, to: "\(directory.path)/new", from: places[10].physicalOffset)
        #expect(report.records == 49)
        #expect(report.renumbered.map(\.newOffset) == [20])
        #expect(report.renumbered.first?.oldOffset == Int64(20 ^ 0xFF00))
        let new = try MessageStore.open("\(directory.path)/new", tinyConfiguration())
        let queue = try new.queue(topic: "Orders")
        #expect(try new.minimumOffset(queue) == 10)
        for number in 10..<60 {
            let read = try new.read(queue, from: Int64(number), count: 1).messages()
            #expect(read.first?.body == message(number == 30 ? 31 : number).body)
        }
        try new.close()
    }

    @Test("makes whole-record checksums of the records as they stand now")
    func checksums() throws {
        let directory = try TemporaryDirectory()
        let root = "\(directory.path)/store"
        let strict = tinyConfiguration {
            $0.integrity.appendsRecordChecksum = true
            $0.integrity.requiresRecordChecksum = true
        }
        let store = try MessageStore.open(root, strict)
        for number in 0..<300 { try store.append(message(number)) }
        try store.close()
        try flipByte("\(root)/commitlog/00000000000000000000", at: 100)
        #expect(try salvage(root, to: "\(directory.path)/new").records == 299)
        let new = try MessageStore.open("\(directory.path)/new", strict)
        let queue = try new.queue(topic: "Orders")
        for number in 1..<300 {
            let read = try new.read(queue, from: Int64(number), count: 1).messages()
            #expect(read.map(\.body) == [message(number).body])
        }
        try new.close()
    }

    @Test("is refused for a place that is taken, and while someone has the old store open")
    func refused() throws {
        let directory = try TemporaryDirectory()
        let root = "\(directory.path)/store"
        let store = try MessageStore.open(root, tinyConfiguration())
        try store.append(message(0))
        #expect(throws: StoreError.locked(path: "\(root)/lock")) {
            _ = try salvage(root, to: "\(directory.path)/new")
        }
        try store.close()
        #expect(throws: StoreError.self) { _ = try salvage(root, to: root) }
        #expect(try verify(root).verdict == .sound)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["store"])
    }
}
