// What the examples have in common: where the NameServer is, names that no other run uses, and an
// end with exit code 1 when something goes wrong.

public import ApusClient
import Foundation
import Synchronization

/// Where `NAMESRV_ADDR` says.
public var client: ClientConfiguration {
    ClientConfiguration(
        nameServers: ProcessInfo.processInfo.environment["NAMESRV_ADDR"] ?? "127.0.0.1:9876")
}

/// A name of this run's own, so that it meets nothing that an earlier one left.
public func fresh(_ name: String) -> String {
    "\(name)-\(UUID().uuidString.prefix(8))"
}

private let scratchDirectories = Mutex<[URL]>([])

/// A directory of this run's own, which goes with it.
public func scratchDirectory(_ name: String) -> String {
    let directory = FileManager.default.temporaryDirectory.appending(path: fresh(name))
    scratchDirectories.withLock { $0.append(directory) }
    return directory.path
}

private func removeScratchDirectories() {
    for directory in scratchDirectories.withLock({ $0 }) {
        try? FileManager.default.removeItem(at: directory)
    }
}

/// Milliseconds since 1970, as the timestamps of messages.
public var wallMilliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

/// Runs an example, and ends the program with exit code 1 when it fails or takes too long.
public func example(
    within limit: Duration = .seconds(60), _ body: @Sendable () async throws -> Void
) async {
    let clock = Task {
        try await Task.sleep(for: limit)
        fail("it is not through after \(limit)")
    }
    do { try await body() } catch { fail("\(error)") }
    clock.cancel()
    removeScratchDirectories()
}

private func fail(_ reason: String) -> Never {
    removeScratchDirectories()
    FileHandle.standardError.write(Data("failed: \(reason)\n".utf8))
    exit(1)
}

/// Fails with `what` when it does not hold.
public func expect(_ holds: Bool, _ what: String) throws {
    guard holds else { throw Failure(description: "not so: \(what)") }
    print(what)
}

/// What did not come to pass.
public struct Failure: Error, CustomStringConvertible {
    public let description: String
}
