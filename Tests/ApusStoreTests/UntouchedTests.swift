// A directory that is refused is left as it was: every file, every byte.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// Every file and directory under a path with its bytes, but for `lock`.
private func snapshot(_ root: String) throws -> [String: Data] {
    var found: [String: Data] = [:]
    let names = try #require(FileManager.default.enumerator(atPath: root))
    for case let name as String in names where name != "lock" {
        let path = "\(root)/\(name)"
        var isDirectory: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        found[name] = isDirectory.boolValue ? Data() : try Data(contentsOf: URL(filePath: path))
    }
    return found
}

@Suite("a refused open changes nothing") struct UntouchedTests {
    private func expectRefused(
        _ root: String, _ configuration: StoreConfiguration = tinyConfiguration(),
        _ isExpected: (StoreError) -> Bool
    ) throws {
        let before = try snapshot(root)
        do throws(StoreError) {
            _ = try MessageStore.open(root, configuration)
            Issue.record("opened")
        } catch {
            #expect(isExpected(error), "\(error)")
        }
        let after = try snapshot(root)
        let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }
        #expect(changed.sorted() == [])
    }

    private func isDamagedLog(_ error: StoreError) -> Bool {
        if case .damagedLog = error { true } else { false }
    }

    /// A Java broker's directory with a bad record that has valid ones behind it.
    private func damagedGolden() throws -> GoldenStore {
        let golden = try GoldenStore("killed")
        let bad = golden.manifest.messages[200].physicalOffset
        let base = bad / 65_536 * 65_536
        try overwrite(
            "\(golden.root)/commitlog/\(StoreDirectory.fileName(base))", at: Int(bad - base) + 100,
            with: [0xEE, 0xEE])
        return golden
    }

    @Test("when a log without a mark is damaged")
    func damaged() throws {
        let golden = try damagedGolden()
        try expectRefused(golden.root, tinyConfiguration(), isDamagedLog)
    }

    @Test("when queues are missing as well, or do not follow each other")
    func damagedQueues() throws {
        let golden = try damagedGolden()
        let queues = "\(golden.root)/consumequeue"
        let topics = try FileManager.default.contentsOfDirectory(atPath: queues).sorted()
        try FileManager.default.removeItem(atPath: "\(queues)/\(topics[0])")
        try expectRefused(golden.root, tinyConfiguration(), isDamagedLog)
        // The scan begins behind the start of the log, and this queue needs all of it.
        let queue = "\(queues)/\(topics[1])/0"
        let files = try FileManager.default.contentsOfDirectory(atPath: queue).sorted()
        let first = try #require(files.first)
        try FileManager.default.moveItem(
            atPath: "\(queue)/\(first)", toPath: "\(queue)/00000000000009998000")
        try expectRefused(golden.root, tinyConfiguration(), isDamagedLog)
    }

    @Test("when a last file was being made as well")
    func unfinished() throws {
        let golden = try damagedGolden()
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(golden.root)/commitlog")
        let last = try #require(files.sorted().last.flatMap { Int64($0) })
        let next = "\(golden.root)/commitlog/\(StoreDirectory.fileName(last + 65_536))"
        try Data(count: 4096).write(to: URL(filePath: next))
        try expectRefused(golden.root, tinyConfiguration(), isDamagedLog)
        let store = try MessageStore.open(
            golden.root, tinyConfiguration { $0.recovery.onUnmarkedDamage = .cut })
        #expect(!FileManager.default.fileExists(atPath: next))
        try store.close()
    }

    @Test("when files of the index have another length, with entries to be made again")
    func indexLength() throws {
        let directory = try TemporaryDirectory()
        do {
            let store = try MessageStore.open(directory.path, tinyConfiguration())
            for number in 0..<50 { try store.append(message(number)) }
            try store.flush()
        }
        let queue = "\(directory.path)/consumequeue/Orders/0/00000000000000000000"
        try overwrite(queue, at: 20 * 45, with: [UInt8](repeating: 0, count: 60))
        let other = tinyConfiguration { $0.index.slotCount = 200 }
        try expectRefused(directory.path, other) {
            if case .fileSizeDiffers(_, _, _, "maxHashSlotNum, maxIndexNum") = $0 {
                true
            } else {
                false
            }
        }
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        #expect(try store.maximumOffset(store.queue(topic: "Orders")) == 50)
        try store.close()
    }

    @Test("when a segment is missing, and when another process has the store")
    func others() throws {
        let golden = try GoldenStore("clean")
        let store = try MessageStore.open(golden.root, tinyConfiguration())
        try expectRefused(golden.root) { if case .locked = $0 { true } else { false } }
        try store.close()
        try FileManager.default.removeItem(
            atPath: "\(golden.root)/commitlog/00000000000000065536")
        try expectRefused(golden.root) {
            if case .unknownDirectoryLayout = $0 { true } else { false }
        }
    }
}
