// One process at a time: a Java broker's lock keeps us out, and ours keeps a Java broker out.

import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// A process that takes the lock as Java's `FileChannel.tryLock(0, 1, false)` does: a POSIX lock on
/// the first byte. It holds it until it is told to end.
private final class JavaStyleLocker {
    private let process = Process()
    private let input = Pipe()
    /// Whether it got the lock.
    let isLocked: Bool

    init(_ path: String) throws {
        // struct flock on 64-bit Linux: type, whence, padding, start, length, process.
        let program = """
            use Fcntl qw(:DEFAULT :flock); $| = 1;
            sysopen(my $file, $ARGV[0], O_RDWR | O_CREAT) or die $!;
            my $lock = pack("ssx4qqix4", F_WRLCK, 0, 0, 1, 0);
            print fcntl($file, F_SETLK, $lock) ? "locked\\n" : "refused\\n";
            <STDIN>;
            """
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/perl")
        process.arguments = ["-e", program, path]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var answer = ""
        while !answer.hasSuffix("\n") {
            let more = output.fileHandleForReading.availableData
            try #require(!more.isEmpty, "perl ended early")
            answer += String(decoding: more, as: UTF8.self)
        }
        isLocked = answer == "locked\n"
    }

    func end() throws {
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}

@Suite("a second opener") struct LockTests {
    let directory: TemporaryDirectory
    private var lock: String { "\(directory.path)/lock" }

    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> MessageStore {
        try MessageStore.open(directory.path, tinyConfiguration())
    }

    @Test("is refused while a Java broker has the store, and let in afterwards")
    func javaFirst() throws {
        let java = try JavaStyleLocker(lock)
        #expect(java.isLocked)
        #expect(throws: StoreError.locked(path: lock)) { _ = try open() }
        try java.end()
        try open().close()
    }

    @Test("is refused when it is a Java broker, until the store is closed")
    func javaSecond() throws {
        let store = try open()
        try store.append(message(1))
        var java = try JavaStyleLocker(lock)
        #expect(!java.isLocked)
        try java.end()
        try store.close()
        java = try JavaStyleLocker(lock)
        #expect(java.isLocked)
        try java.end()
    }

    @Test("is refused in the same process, and takes no lock away by that")
    func sameProcess() throws {
        let store = try open()
        for _ in 0..<2 {
            #expect(throws: StoreError.locked(path: lock)) { _ = try open() }
        }
        // A POSIX lock would be gone now: the process closed a descriptor of the file.
        let java = try JavaStyleLocker(lock)
        #expect(!java.isLocked)
        try java.end()
        try store.append(message(1))
        try store.close()
        try open().close()
    }

    @Test("is refused while a store that was let go, not closed, is still there")
    func letGo() throws {
        var store: MessageStore? = try open()
        try store?.append(message(1))
        #expect(throws: StoreError.locked(path: lock)) { _ = try open() }
        store = nil
        let again = try open()
        #expect(try again.maximumOffset(again.queue(topic: "Orders")) == 1)
        try again.close()
    }

    @Test("is refused when a store that was closed before is let go meanwhile")
    func closedBefore() async {
        // In a process of its own: the number of the descriptor that was closed must come again.
        await #expect(processExitsWith: .success) {
            let (first, second) = (try TemporaryDirectory(), try TemporaryDirectory())
            var closed: MessageStore? = try MessageStore.open(first.path, tinyConfiguration())
            try closed?.close()
            let stores = try (0..<8).map {
                try MessageStore.open("\(second.path)/\($0)", tinyConfiguration())
            }
            closed = nil
            for number in stores.indices {
                let path = "\(second.path)/\(number)"
                #expect(throws: StoreError.locked(path: "\(path)/lock")) {
                    _ = try MessageStore.open(path, tinyConfiguration())
                }
            }
            for store in stores { try store.close() }
        }
    }
}
