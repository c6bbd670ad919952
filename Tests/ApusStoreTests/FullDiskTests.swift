// A disk that really is full: a small tmpfs of the test's own.

import ApusFormat
import ApusSystem
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

    /// Takes the last byte of room away, until the file is removed.
    func fill() throws -> String {
        let path = "\(directory.path)/fill"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        for size in [1 << 20, 4096, 1] {
            while true {
                do { try file.write(contentsOf: Data(count: size)) } catch { break }
            }
        }
        return path
    }

    /// Gives the room of a file back. A process that another test started may have inherited its
    /// descriptor and hold what is merely unlinked, so it is made empty first.
    func free(_ path: String) throws {
        try #require(truncate(path, 0) == 0)
        try FileManager.default.removeItem(atPath: path)
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
    try disk.free(ballast)
    for number in 0..<2_000 {
        let result = try store.append(message(number, size: 1_000))
        #expect(result.queueOffset == before + Int64(number))
    }
    try store.close()
}

@Suite("opening on a full disk") struct FullDiskOpeningTests {
    private let disk: SmallDisk
    private let settings = tinyConfiguration {
        $0.commitLog.segmentByteCount = 1 << 20
        $0.retention.isEnabled = false
    }
    private var root: String { "\(disk.directory.path)/store" }

    init() throws { disk = try SmallDisk(mebibytes: 12) }

    /// Makes a store with messages, closed or as a kill leaves it, some of them flushed.
    private func prepare(isClosed: Bool) throws {
        let store = try MessageStore.open(root, settings)
        for number in 0..<200 { try store.append(message(number)) }
        try store.flush()
        for number in 200..<300 { try store.append(message(number)) }
        if isClosed { try store.close() }
    }

    private func bytes(_ name: String) -> Data? {
        FileManager.default.contents(atPath: "\(root)/\(name)")
    }

    private func expectMessages(_ count: Int, in store: MessageStore) throws {
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == Int64(count))
        for number in 0..<count {
            let read = try store.read(queue, from: Int64(number), count: 1).messages()
            #expect(read.map(\.body) == [message(number).body])
        }
        #expect(try store.messages(topic: "Orders", key: "key7").count == 1)
    }

    private func expectFull(_ store: MessageStore) {
        #expect(throws: StoreError.diskFull(path: "\(root)/abort")) {
            try store.append(message(0))
        }
    }

    @Test(
        "reads go on, appends are refused, and taken again when there is room",
        arguments: [true, false], [true, false])
    func resume(isClosed: Bool, byAppend: Bool) throws {
        try prepare(isClosed: isClosed)
        let ballast = try disk.fill()
        let listener = Listener()
        let store = try MessageStore.open(root, settings, observer: listener)
        #expect(listener.events.contains { if case .diskFull = $0 { true } else { false } })
        try expectMessages(300, in: store)
        for _ in 0..<3 { expectFull(store) }
        _ = store.cleaner.doWork()
        expectFull(store)
        #expect(!FileManager.default.fileExists(atPath: "\(root)/abort.new"))
        try disk.free(ballast)
        if !byAppend {
            store.log.resumeAfterFullDisk()
            #expect(bytes("abort")?.isEmpty == false)
        }
        for number in 300..<350 {
            #expect(try store.append(message(number)).queueOffset == Int64(number))
        }
        let contents = try Checkpoint.read(SystemDisk(), "\(root)/checkpoint")
        #expect(contents.mark?.isClean == false && contents.mark?.epoch == 2)
        try store.close()
        #expect(bytes("abort") == nil)
        let again = try MessageStore.open(root, settings)
        try expectMessages(350, in: again)
        try again.close()
    }

    @Test(
        "a store that is closed without ever having had room leaves abort and checkpoint alone",
        arguments: [true, false])
    func neverResumed(isClosed: Bool) throws {
        try prepare(isClosed: isClosed)
        let before = [bytes("abort"), bytes("checkpoint")]
        let ballast = try disk.fill()
        for closes in [true, false, true] {
            let store = try MessageStore.open(root, settings)
            try expectMessages(300, in: store)
            expectFull(store)
            if closes { try store.close() }
            #expect([bytes("abort"), bytes("checkpoint")] == before)
        }
        try disk.free(ballast)
        let store = try MessageStore.open(root, settings)
        try expectMessages(300, in: store)
        #expect(try store.append(message(300)).queueOffset == 300)
        try store.close()
    }
}

@Test("a queue's file that got no room is read on a full disk all the same")
func queueFileWithoutRoom() throws {
    let disk = try SmallDisk(mebibytes: 12)
    let root = "\(disk.directory.path)/store"
    // Large files of queues: most of one is a hole, which a tmpfs needs a page for to be read.
    let settings = tinyConfiguration {
        $0.commitLog.segmentByteCount = 1 << 20
        $0.queues.fileByteCount = 20 << 15
        $0.retention.isEnabled = false
    }
    do {
        let store = try MessageStore.open(root, settings)
        for number in 0..<10 { try store.append(message(number)) }
        try store.close()
    }
    _ = try disk.fill()
    let store = try MessageStore.open(root, settings)
    let queue = try store.queue(topic: "Orders")
    #expect(try store.maximumOffset(queue) == 10)
    #expect(try store.read(queue, from: 0).count == 10)
    try store.close()
}

@Test("a log that ends with its last file is opened without room for the next one")
func fullLastFile() throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    func open() throws -> MessageStore {
        try MessageStore.open(
            directory.path, tinyConfiguration(), observer: nil, disk: disk, time: .system)
    }
    var count = 0
    do {
        let store = try open()
        while store.log.segments.all.count < 2 {
            try store.append(message(count))
            count += 1
        }
    }
    // As if the machine had stopped before the second file had a name. Its one message goes too.
    try FileManager.default.removeItem(atPath: "\(directory.path)/commitlog/00000000000000065536")
    count -= 1
    disk.fail(Fault(operation: "allocate", path: "/commitlog/", code: 28))
    let store = try open()
    let queue = try store.queue(topic: "Orders")
    #expect(try store.maximumOffset(queue) == Int64(count) && store.published == 65_536)
    #expect(throws: StoreError.self) { try store.append(message(count)) }
    disk.fail(nil)
    #expect(try store.append(message(count)).queueOffset == Int64(count))
    try store.close()
}
