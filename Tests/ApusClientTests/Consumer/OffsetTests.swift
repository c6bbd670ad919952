// Offsets of broadcasting members, and settings that contradict each other.

import ApusFormat
import ApusSystem
import TestSupport
import Testing

@testable import ApusClient

@Suite("Offsets of a broadcasting member")
struct LocalOffsetTests {
    private let queue = MessageQueue(topic: "T \"x\"", broker: "b", id: 3)

    private func offsets(_ directory: TemporaryDirectory) throws -> LocalOffsets {
        try LocalOffsets(directory: directory.path, group: "g", logger: .quiet)
    }

    @Test("what was kept is there again, and more comes on top")
    func kept() async throws {
        let directory = try TemporaryDirectory()
        let first = try offsets(directory)
        let none = try await first.offset(of: queue)
        let kept = await first.keep([queue: 5])
        #expect(none == nil && kept == [queue])
        let other = MessageQueue(topic: "T", broker: "c", id: 0)
        _ = await first.keep([other: 7])
        first.close()
        let second = try offsets(directory)
        let values = [try await second.offset(of: queue), try await second.offset(of: other)]
        #expect(values == [5, 7])
    }

    @Test("a second member in one directory is refused until the first has ended")
    func shared() throws {
        let directory = try TemporaryDirectory()
        let first = try offsets(directory)
        let error = #expect(throws: ClientError.self) { try offsets(directory) }
        #expect(error?.kind == .file && error?.reason.contains("another member") == true)
        first.close()
        try offsets(directory).close()
    }

    @Test("a damaged file gives way to its predecessor, and without one is an error")
    func damaged() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/g/offsets.json"
        let first = try offsets(directory)
        _ = await first.keep([queue: 5])
        _ = await first.keep([queue: 6])
        first.close()
        let disk = SystemDisk()
        for text in ["{", "{}", "{\"offsets\":[{\"topic\":\"T\"}]}", ""] {
            let file = try disk.open(path, .createEmpty)
            try file.write(Array(text.utf8).rawSpan, at: 0)
            file.close()
            let offset = try await offsets(directory).offset(of: queue)
            #expect(offset == 5, "\(text)")
        }
        try disk.unlink("\(path).bak")
        let error = #expect(throws: ClientError.self) { try offsets(directory) }
        #expect(error?.kind == .file)
    }
}

@Suite("Settings of a consumer")
struct ConsumerSettingsTests {
    private static let contradictions: [(String, @Sendable (inout ConsumerConfiguration) -> Void)] =
        [
            ("NameServer", { $0.client.nameServers = [] }), ("group", { $0.group = "" }),
            ("topic", { $0.subscriptions = [Subscription("a b")] }),
            ("twice", { $0.subscriptions = [Subscription("a"), Subscription("a", tags: "x")] }),
            ("own", { $0.subscriptions = [Subscription("%RETRY%g")] }),
            ("pullBatch", { $0.pullBatch = 0 }), ("concurrency", { $0.concurrency = 0 }),
            ("handlerBatch", { $0.handlerBatch = 2000 }),
            ("maximumHeldMessages", { $0.maximumHeldMessages = 0 }),
            ("maximumHeldBytes", { $0.maximumHeldBytes = 0 }),
            ("maximumSpan", { $0.maximumSpan = 0 }), ("maximumRetries", { $0.maximumRetries = -1 }),
            ("commitInterval", { $0.commitInterval = .zero }),
            ("longPoll", { $0.longPoll = .seconds(61) }),
            ("offsetsDirectory", { $0.model = .broadcasting }),
            ("offsetsDirectory", { $0.offsetsDirectory = "/tmp" }),
        ]

    @Test("settings that cannot be followed are refused by name")
    func refused() throws {
        let good = ConsumerConfiguration(
            ClientConfiguration(nameServers: "a:1"), group: "g", Subscription("T"))
        try good.check()
        for (word, change) in Self.contradictions {
            var bad = good
            change(&bad)
            let error = #expect(throws: ClientError.self, "\(word)") { try bad.check() }
            #expect(error?.reason.contains(word) == true, "\(word): \(error?.reason ?? "")")
        }
        var none = good
        none.subscriptions = []
        let error = #expect(throws: ClientError.self) { try PushConsumer(none) { _ in } }
        #expect(error?.kind == .invalidSetting)
    }
}
