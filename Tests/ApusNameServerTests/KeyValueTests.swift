// The key-value configuration and its file.

import ApusFormat
import ApusRemoting
import ApusServer
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusNameServer

/// A disk whose operation of some number fails, and all after it.
private final class FailingDisk: InterceptingDisk {
    private let left: Mutex<Int>

    init(after count: Int) { left = Mutex(count) }

    var hasFailed: Bool { left.withLock { $0 < 0 } }

    func before(_ operation: String, _ path: String) throws(DiskError) {
        let isOver = left.withLock { left in
            left -= 1
            return left < 0
        }
        if isOver { throw DiskError(operation: operation, path: path, code: 5) }
    }
}

@Suite("The key-value configuration")
struct KeyValueTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/namesrv/kvConfig.json"
    }

    private func open(_ disk: any Disk = SystemDisk()) throws -> (KeyValueStore, String) {
        let lines = LogLines()
        let store = try KeyValueStore(path: path, disk: disk, logger: lines.logger)
        return (store, lines.all.joined())
    }

    private func put(_ value: String, _ store: KeyValueStore) throws {
        try store.change { $0.put(value, for: "topic", in: "ORDER_TOPIC_CONFIG") }
    }

    private func value(_ store: KeyValueStore) -> String? {
        store.read { $0["ORDER_TOPIC_CONFIG", "topic"] }
    }

    private func write(_ text: String, to name: String) throws {
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/namesrv", withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: "\(path)\(name)"))
    }

    @Test("what was put is there after a restart, in RocketMQ's shape")
    func kept() throws {
        let (store, _) = try open()
        try put("broker-a:4", store)
        try put("broker-a:8", store)
        #expect(value(try open().0) == "broker-a:8")
        let written = try String(contentsOfFile: path, encoding: .utf8)
        #expect(written == #"{"configTable":{"ORDER_TOPIC_CONFIG":{"topic":"broker-a:8"}}}"#)
        let backup = try String(contentsOfFile: "\(path).bak", encoding: .utf8)
        #expect(backup.contains("broker-a:4"))
        try store.change { $0.remove("topic", in: "ORDER_TOPIC_CONFIG") }
        let (again, _) = try open()
        #expect(value(again) == nil)
        // The namespace stays, as in RocketMQ.
        let list = again.read { $0.json(of: "ORDER_TOPIC_CONFIG") }
        #expect(list.map { text($0) } == #"{"table":{}}"#)
        #expect(again.read { $0.json(of: "other") } == nil)
    }

    @Test("a damaged or missing file gives way to the one before it, and is put aside")
    func backup() throws {
        for damage in ["{\"configTable\":", "", "[]", #"{"configTable":{"a":7}}"#, nil] {
            try? FileManager.default.removeItem(atPath: "\(directory.path)/namesrv")
            try write(#"{"configTable":{"ORDER_TOPIC_CONFIG":{"topic":"old"}}}"#, to: ".bak")
            if let damage { try write(damage, to: "") }
            let (store, warnings) = try open()
            #expect(value(store) == "old")
            #expect(warnings.contains(".bak"))
            try put("new", store)
            #expect(value(try open().0) == "new")
            let backup = try String(contentsOfFile: "\(path).bak", encoding: .utf8)
            #expect(backup.contains("old"))
            #expect(
                FileManager.default.contents(atPath: "\(path).damaged")
                    == damage.map { Data($0.utf8) })
        }
    }

    @Test("without a whole file the server does not begin with an empty table in silence")
    func bothDamaged() throws {
        try write("x", to: "")
        #expect(throws: StateFileError.self) { try open() }
        try write("y", to: ".bak")
        #expect(throws: StateFileError.self) { try open() }
        try? FileManager.default.removeItem(atPath: path)
        #expect(throws: StateFileError.self) { try open() }
    }

    @Test("whichever operation fails, the file holds the old table or the new one")
    func failing() throws {
        var reached = 0
        for count in 0..<100 {
            try? FileManager.default.removeItem(atPath: "\(directory.path)/namesrv")
            try put("first", try open().0)
            try put("old", try open().0)
            let disk = FailingDisk(after: count)
            let store = try? open(disk).0
            let isPut = store.map { (try? put("new", $0)) != nil } ?? false
            // Nobody saw what is not durable.
            if let store, !isPut { #expect(value(store) == "old") }
            let (found, _) = try open()
            #expect(["old", "new"].contains(value(found)))
            if isPut { #expect(value(found) == "new") }
            if !disk.hasFailed { break }
            reached += 1
        }
        // A look at each of the two files, and six operations of a save.
        #expect(reached == 8)
    }

    @Test("the table does not grow beyond its bound, and can shrink from there")
    func bounded() throws {
        let (store, _) = try open()
        let large = String(repeating: "v", count: KeyValueTable.byteLimit / 2)
        try store.change { $0.put(large, for: "a", in: "n") }
        #expect(throws: KeyValueChangeError.self) {
            try store.change { $0.put(large, for: "b", in: "n") }
        }
        #expect(store.read { $0["n", "b"] } == nil)
        try store.change { $0.put("", for: "a", in: "n") }
        try store.change { $0.put(large, for: "b", in: "n") }
    }

    @Test("a file of as many keys as the table may have is read")
    func manyKeys() throws {
        // Empty keys of one namespace: only the last counts, so that this is quick.
        let entries = String(repeating: #""":null,"#, count: 1_000_000)
        let text = #"{"configTable":{"n":{"# + entries + #""k":"v"}}}"#
        let table = try KeyValueTable(parsing: Array(text.utf8).rawSpan)
        #expect(table["n", "k"] == "v")
    }

    @Test("bytes are counted as they come and go")
    func counted() {
        var table = KeyValueTable()
        table.put("value", for: "key", in: "space")
        table.put("other", for: "key", in: "space")
        table.put("", for: "k", in: "space")
        #expect(table.byteCount == "space".count + "key".count + "other".count + 1)
        table.remove("key", in: "space")
        table.remove("gone", in: "space")
        #expect(table.byteCount == "space".count + 1)
        #expect(KeyValueTable(table.json) == table)
    }
}
