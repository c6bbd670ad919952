// Defects that `make sanitize` plants: each must be reported, or the run says nothing.

import ApusSystem
import Foundation
import Testing

private let planted = ProcessInfo.processInfo.environment["APUS_SANITIZER_CONTROL"]

@Suite("a sanitizer reports") struct SanitizerControlTests {
    private final class Shared: @unchecked Sendable {
        // Not safe to send, which is the point.
        var count = 0
    }

    @Test("two threads that write the same word", .enabled(if: planted == "race"))
    func race() throws {
        let shared = Shared()
        let threads = try (0..<2).map { _ in
            try SystemThread(name: "racer") { for _ in 0..<1000 { shared.count += 1 } }
        }
        for thread in threads { thread.join() }
        #expect(shared.count > 0)
    }

    @Test("a load from memory that was freed", .enabled(if: planted == "freed"))
    func freed() {
        let bytes = MappedBytes.allocate(count: 64)
        bytes.deallocate()
        #expect(bytes.byte(at: 7) >= 0)
    }

    @Test("memory that nobody gave back", .enabled(if: planted == "leaked"))
    func leaked() {
        for _ in 0..<8 { #expect(MappedBytes.allocate(count: 64).count == 64) }
    }

    @Test("a load from a file that was unmapped", .enabled(if: planted == "unmapped"))
    func unmapped() throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "apus-control-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try SystemDisk().open(path, .createEmpty)
        try file.truncate(to: 4096)
        let bytes = try file.map(count: 4096, writable: true)
        file.unmap(bytes)
        #expect(bytes.byte(at: 7) == 0)
    }
}
