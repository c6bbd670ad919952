// Small files change whole or not at all: temporary, sync, rename, directory sync.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

@Suite("small files") struct SmallFilesTests {
    let directory: TemporaryDirectory
    let disk = FaultyDisk()

    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> MessageStore {
        try MessageStore.open(
            directory.path, tinyConfiguration(), observer: nil, disk: disk, time: .system)
    }

    /// Whether these were done in this order, others in between or not.
    private func expectInOrder(_ wanted: [Operation], _ comment: Comment? = nil) {
        var left = wanted[...]
        for operation in disk.operations where operation == left.first { left.removeFirst() }
        #expect(left.isEmpty, comment)
    }

    @Test("abort is replaced whole, and durable before the first mark of an opening")
    func abort() throws {
        let abort = "\(directory.path)/abort"
        let store = try open()
        expectInOrder([
            Operation(name: "open", path: "\(abort).new"),
            Operation(name: "write", path: "\(abort).new"),
            Operation(name: "sync", path: "\(abort).new"),
            Operation(name: "rename", path: "\(abort).new"),
            Operation(name: "sync directory", path: directory.path),
            Operation(name: "write", path: "\(directory.path)/checkpoint"),
            Operation(name: "sync", path: "\(directory.path)/checkpoint"),
            // It was made in this opening: its name as well.
            Operation(name: "sync directory", path: directory.path),
        ])
        #expect(
            !disk.operations.contains { $0.path == abort && ["open", "write"].contains($0.name) })
        try store.close()
        expectInOrder(
            [
                Operation(name: "sync", path: "\(directory.path)/checkpoint"),
                Operation(name: "unlink", path: abort),
                Operation(name: "sync directory", path: directory.path),
                Operation(name: "unlock", path: "\(directory.path)/lock"),
            ], "the clean mark is durable before abort goes, and that before the lock does")
        #expect(disk.operations.last?.name == "unlock")
    }

    /// A store that was killed, and of which the last messages are torn.
    private func tear() throws {
        let first = try open()
        var places: [AppendResult] = []
        for number in 0..<20 { places.append(try first.append(message(number))) }
        try overwrite(
            "\(directory.path)/commitlog/00000000000000000000",
            at: Int(places[10].physicalOffset) + 100, with: [0xEE])
    }

    private var quarantined: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/quarantine"))
            ?? []).sorted()
    }

    @Test("a copy in quarantine has its name when it is on the device, before the log is zeroed")
    func quarantine() throws {
        try tear()
        let store = try open()
        let name = try #require(quarantined.first)
        let path = "\(directory.path)/quarantine/\(name)"
        #expect(quarantined.count == 1 && !name.hasSuffix(".new"))
        expectInOrder([
            Operation(name: "open", path: "\(path).new"),
            Operation(name: "sync", path: "\(path).new"),
            Operation(name: "rename", path: "\(path).new"),
            Operation(name: "sync directory", path: "\(directory.path)/quarantine"),
            Operation(name: "zero", path: "\(directory.path)/commitlog/00000000000000000000"),
            Operation(name: "sync", path: "\(directory.path)/commitlog/00000000000000000000"),
        ])
        try store.close()
    }

    @Test("a copy that is there is never written over, and none is made twice")
    func quarantineTwice() throws {
        try tear()
        // Recovery is interrupted behind the copy, and again.
        disk.fail(Fault(operation: "zero", path: "/commitlog/", code: 5))
        for _ in 0..<2 {
            #expect(throws: StoreError.self) { _ = try open() }
            #expect(quarantined.count == 1)
        }
        disk.fail(nil)
        let path = "\(directory.path)/quarantine/\(try #require(quarantined.first))"
        // As if part of the log had been zeroed: the copy has more than the log.
        var kept = try Data(contentsOf: URL(filePath: path))
        kept[kept.count / 2] ^= 1
        try kept.write(to: URL(filePath: path))
        try open().close()
        #expect(quarantined.count == 2)
        #expect(try Data(contentsOf: URL(filePath: path)) == kept)
    }

    @Test("a segment whose removal was interrupted goes in the next round")
    func removal() throws {
        let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
        let store = try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.retention.deleteHours = Set(0..<24)
                $0.retention.reservedHours = 1
            }, observer: nil, disk: disk, time: .manual(clock))
        disk.pretend(usedPercent: 10)
        for number in 0..<600 { try store.append(message(number)) }
        try store.flush()
        clock.advance(milliseconds: 4_000_000)
        disk.fail(Fault(operation: "sync directory", path: "/commitlog", code: 5))
        _ = store.cleaner.doWork()
        #expect(store.physicalMinimum == 0)
        disk.fail(nil)
        clock.advance(milliseconds: 10_000)
        for _ in 0..<2 { _ = store.cleaner.doWork() }
        #expect(store.physicalMinimum == 2 * 65_536)
        let leaving = "\(directory.path)/commitlog.deleting"
        #expect(try FileManager.default.contentsOfDirectory(atPath: leaving).isEmpty)
        try store.close()
    }
}
