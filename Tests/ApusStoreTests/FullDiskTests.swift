// A disk that really is full: a small tmpfs of the test's own.

import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// A tmpfs of so many MiB, mounted while the object lives. Needs root, or sudo without a password.
private final class SmallDisk {
    let directory: TemporaryDirectory
    private let prefix: [String]

    init(mebibytes: Int) throws {
        directory = try TemporaryDirectory()
        prefix = getuid() == 0 ? [] : ["/usr/bin/sudo", "-n"]
        let mounted = try Self.call(
            prefix + [
                "/bin/mount", "-t", "tmpfs", "-o", "size=\(mebibytes)m,mode=0777", "apus-test",
                directory.path,
            ])
        try #require(mounted, "mounting a tmpfs needs root or sudo")
    }

    deinit { _ = try? Self.call(prefix + ["/bin/umount", "-l", directory.path]) }

    private static func call(_ words: [String]) throws -> Bool {
        try run(words[0], Array(words.dropFirst())) != nil
    }
}

@Test("on a full disk an append fails, reads go on, and appends resume when there is room")
func fullDisk() throws {
    let disk = try SmallDisk(mebibytes: 12)
    let ballast = "\(disk.directory.path)/ballast"
    try Data(count: 4 << 20).write(to: URL(filePath: ballast))
    let store = try MessageStore.open(
        "\(disk.directory.path)/store",
        tinyConfiguration {
            $0.commitLog.segmentByteCount = 1 << 20
            $0.retention.isEnabled = false
            $0.threads = .own
        })
    let queue = try store.queue(topic: "Orders")
    var appended = 0
    var refused: (any Error)?
    while refused == nil, appended < 100_000 {
        do {
            try store.append(message(appended, size: 1_000))
            appended += 1
        } catch { refused = error }
    }
    guard case .diskFull? = refused as? StoreError else {
        Issue.record("\(String(describing: refused))")
        return
    }
    for offset in stride(from: 0, to: appended, by: 101) {
        let read = try store.read(queue, from: Int64(offset), count: 1).messages()
        #expect(read.map(\.body) == [message(offset, size: 1_000).body])
    }
    // A little room that a queue's entry or a small record still finds does not make a segment.
    #expect(throws: StoreError.self) {
        for _ in 0..<2_000 { try store.append(message(0, size: 1_000)) }
    }
    let before = try store.maximumOffset(queue)
    try FileManager.default.removeItem(atPath: ballast)
    for number in 0..<2_000 {
        let result = try store.append(message(number, size: 1_000))
        #expect(result.queueOffset == before + Int64(number))
    }
    try store.close()
}
