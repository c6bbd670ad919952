// What a file is taken for when it is read. What a save does is tested where state is kept: in
// ApusBrokerTests and ApusNameServerTests.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusServer

/// The real disk, on which nothing can be read from some paths.
private struct UnreadableDisk: InterceptingDisk {
    let suffix: String

    func before(_ operation: String, _ path: String) throws(DiskError) {
        if operation == "look", path.hasSuffix(suffix) {
            throw DiskError(operation: operation, path: path, code: 5)
        }
    }
}

@Suite("a file of state")
struct StateFileTests {
    private let directory: TemporaryDirectory
    private let lines = LogLines()
    private var path: String { "\(directory.path)/state.json" }

    init() throws { directory = try TemporaryDirectory() }

    private func write(_ text: String, _ name: String = "state.json") throws {
        try Data(text.utf8).write(to: URL(filePath: "\(directory.path)/\(name)"))
    }

    private func load(
        _ disk: any Disk = SystemDisk(), limit: Int = 1_000
    ) throws(StateFileError) -> String? {
        let file = StateFile(path, on: disk, limit: limit, logger: lines.logger)
        return try file.load { (bytes) throws(StateProblem) in
            let text = String(decodingUTF8: bytes)
            if text.hasPrefix("bad") { throw StateProblem("it is bad") }
            return text
        }
    }

    @Test("that is as long as it may be is read, and a longer one is damaged")
    func limit() throws {
        try write("12345678", "state.json.bak")
        try write("12345678")
        #expect(try load(limit: 8) == "12345678" && lines.all.isEmpty)
        try write("123456789")
        #expect(try load(limit: 8) == "12345678")
        #expect(lines.all.count == 1 && lines.contains("it has more than 8 bytes"))
        try write("123456789", "state.json.bak")
        #expect(throws: StateFileError.self) { try load(limit: 8) }
    }

    @Test("that cannot be read is not taken for damaged: its predecessor may be much older")
    func unreadable() throws {
        try write("new")
        try write("old", "state.json.bak")
        let error = #expect(throws: StateFileError.self) {
            try load(UnreadableDisk(suffix: "state.json"))
        }
        guard case .unreadable(let cause)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(cause.path == path && "\(cause)".contains(path))
        // The predecessor is not looked at without need.
        #expect(try load(UnreadableDisk(suffix: ".bak")) == "new")
        try write("bad")
        #expect(throws: StateFileError.self) { try load(UnreadableDisk(suffix: ".bak")) }
    }

    @Test("that is a directory gives way to its predecessor, and to a new one when it is saved")
    func aDirectory() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        #expect(throws: StateFileError.self) { try load() }
        try write("old", "state.json.bak")
        let file = StateFile(path, on: SystemDisk(), logger: lines.logger)
        #expect(try file.load { String(decodingUTF8: $0) } == "old")
        try file.save(Array("new".utf8))
        #expect(try load() == "new")
    }
}
