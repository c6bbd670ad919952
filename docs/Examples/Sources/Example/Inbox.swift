// What handlers, which run in tasks of their own, tell the program that waits for them.

import Synchronization

/// Collects what comes, in order of arrival.
public final class Inbox: Sendable {
    private let all = Mutex<[String]>([])

    public init() {}

    public func put(_ text: String) { all.withLock { $0.append(text) } }

    /// Waits until so many have come, and fails when they do not.
    public func wait(
        for count: Int, _ what: String, within limit: Duration = .seconds(30)
    ) async throws -> [String] {
        let end = ContinuousClock.now.advanced(by: limit)
        while true {
            let come = all.withLock { $0 }
            if come.count >= count { return come }
            if ContinuousClock.now > end {
                throw Failure(
                    description: "\(come.count) of \(count) \(what) came within \(limit):"
                        + " are NameServer and broker at \(client.nameServers) there?")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
