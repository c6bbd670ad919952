// What is left for the indexer to read after a kill.

import ApusFormat
import TestSupport
import Testing

@testable import ApusStore

@Suite("after a kill, recovery and the index") struct RecoveredKeyTests {
    @Test(
        "leave out what the scan saw no key in",
        arguments: [nil, 0, 7, 19] as [Int?])
    func keyless(keyed: Int?) throws {
        let directory = try TemporaryDirectory()
        let places = try appendAndLetGo(directory, keyed)
        let store = try MessageStore.open(
            directory.path, tinyConfiguration { $0.threads = .manual })
        #expect(store.log.keyed.range == keyed.map { 0..<places[$0].physicalEnd })
        let found = try store.messages(topic: "Orders", key: "only")
        #expect(found.map(\.physicalOffset) == keyed.map { [places[$0].physicalOffset] } ?? [])
        try store.close()
    }

    /// Twenty messages, of which at most one has a key; nothing is flushed.
    private func appendAndLetGo(
        _ directory: TemporaryDirectory, _ keyed: Int?
    ) throws -> [AppendResult] {
        let store = try MessageStore.open(
            directory.path, tinyConfiguration { $0.threads = .manual })
        return try (0..<20).map { number in
            let keys = number == keyed ? ["only"] : []
            return try store.append(Message(topic: "Orders", body: [1, 2], keys: keys))
        }
    }
}
