// A broker's state on a disk of a test's own.

import ApusSystem
import Foundation
import Synchronization
import TestSupport

@testable import ApusBroker

/// The real disk, on which one kind of operation can be made to fail.
final class FailingDisk: InterceptingDisk {
    private let fault = Mutex<(operation: String, path: String)?>(nil)
    private let done = Mutex<[String]>([])

    /// Fails each `operation` on a path that ends with `path`; nil: none.
    func fail(_ operation: String?, _ path: String = "") {
        fault.withLock { $0 = operation.map { ($0, path) } }
    }

    /// What was done, as `operation name`.
    var operations: [String] { done.withLock { $0 } }
    func forgetOperations() { done.withLock { $0 = [] } }

    func before(_ operation: String, _ path: String) throws(DiskError) {
        let name = path.split(separator: "/").last ?? ""
        done.withLock { $0.append("\(operation) \(name)") }
        let found = fault.withLock { $0 }
        if let found, found.operation == operation, path.hasSuffix(found.path) {
            throw DiskError(operation: operation, path: path, code: 5)
        }
    }
}

/// A directory with a broker's state in it.
struct StateRoom {
    let directory: TemporaryDirectory
    let disk = FailingDisk()
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let lines = LogLines()
    var configuration = BrokerConfiguration()

    init() throws {
        directory = try TemporaryDirectory()
        configuration.name = "broker-a"
        configuration.storePath = directory.path
    }

    func open() throws -> BrokerState {
        try BrokerState.open(
            configuration, on: disk, time: .manual(clock), logger: lines.logger)
    }

    func path(_ name: String) -> String { "\(directory.path)/config/\(name)" }

    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: path(name)).map { String(decoding: $0, as: UTF8.self) }
    }

    func put(_ text: String, _ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/config", withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path(name)))
    }

    func delete(_ name: String) throws {
        try FileManager.default.removeItem(atPath: path(name))
    }
}
