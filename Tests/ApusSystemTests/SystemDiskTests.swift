// The real file system behind the disk seam.

import ApusSystem
import Foundation
import Synchronization
import Testing

private func withDirectory(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "apus-\(UUID().uuidString)"
    try SystemDisk().createDirectories(path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
}

@Test("what is stored through a mapping reads back through the file")
func mappingReadsBack() throws {
    try withDirectory { directory in
        let disk = SystemDisk()
        let file = try disk.open("\(directory)/a", .create)
        try file.allocate(from: 0, count: 8192)
        #expect(try file.byteCount() == 8192)
        let bytes = try file.map(count: 8192, writable: true)
        bytes.populateForWriting(0..<8192)
        bytes.withMutable { $0.storeBytes(of: UInt8(7), toByteOffset: 5000, as: UInt8.self) }
        try file.sync()
        var read: [UInt8] = [0, 0]
        var span = read.mutableSpan
        var raw = span.mutableBytes
        #expect(try file.read(into: &raw, at: 5000) == 2)
        #expect(read == [7, 0])
        file.unmap(bytes)
        file.close()
        file.close()
    }
}

@Test("a sync of a range leaves the pages behind it ready to be stored to")
func syncsRange() throws {
    try withDirectory { directory in
        let count = 64 << 12
        let file = try SystemDisk().open("\(directory)/a", .create)
        try file.allocate(from: 0, count: count)
        let bytes = try file.map(count: count, writable: true)
        defer { file.unmap(bytes) }
        bytes.populateForWriting(0..<count)
        func store(_ value: UInt8, in pages: Range<Int>) {
            for page in pages {
                bytes.withMutable {
                    $0.storeBytes(of: value, toByteOffset: page << 12, as: UInt8.self)
                }
            }
        }
        store(1, in: 0..<16)
        try file.sync(bytes, 0..<16 << 12)
        var before = rusage()
        var after = rusage()
        // RUSAGE_THREAD, a macro that is not imported.
        getrusage(1, &before)
        store(2, in: 16..<64)
        getrusage(1, &after)
        #expect(after.ru_minflt == before.ru_minflt)
        try file.sync(bytes, 16 << 12..<count)
    }
}

@Test("a file that is open to be read syncs as a whole: the kernel passes over its mapping")
func syncsRangeToRead() throws {
    try withDirectory { directory in
        let path = "\(directory)/a"
        let made = try SystemDisk().open(path, .create)
        try made.write([1, 2, 3].span.bytes, at: 0)
        let file = try SystemDisk().open(path, .readOnly)
        let bytes = try file.map(count: 3, writable: false)
        file.unmap(bytes)
        // Whoever asked the kernel to sync what is not mapped any more would hear of that.
        try file.sync(bytes, 0..<3)
    }
}

@Test("what is written back is in the file, and in the mapping as before")
func writesBack() throws {
    try withDirectory { directory in
        let file = try SystemDisk().open("\(directory)/a", .create)
        try file.allocate(from: 0, count: 64 << 10)
        let bytes = try file.map(count: 64 << 10, writable: true)
        defer { file.unmap(bytes) }
        for page in 0..<16 {
            bytes.withMutable {
                $0.storeBytes(of: UInt8(page + 1), toByteOffset: page * 4096 + 9, as: UInt8.self)
            }
        }
        try file.writeBack(bytes, 4096..<12 * 4096)
        for page in 0..<16 {
            let found = bytes.bytes.unsafeLoad(fromByteOffset: page * 4096 + 9, as: UInt8.self)
            #expect(found == UInt8(page + 1))
        }
        bytes.withMutable { $0.storeBytes(of: UInt8(77), toByteOffset: 4096 + 9, as: UInt8.self) }
        var read: [UInt8] = [0]
        var span = read.mutableSpan
        var raw = span.mutableBytes
        #expect(try file.read(into: &raw, at: 4096 + 9) == 1)
        #expect(read == [77])
    }
}

@Test("a thread that stands back gives others the processor, and the rest of the process does not")
func standsBack() throws {
    // Its nice value and its class, as /proc says them (fields 19 and 41).
    @Sendable func standing() -> [Int] {
        let fields =
            (try? String(contentsOfFile: "/proc/thread-self/stat", encoding: .utf8))?
            .split(separator: " ") ?? []
        return [18, 40].map { Int(fields[$0]) ?? -1 }
    }
    let values = Mutex<[ThreadStanding: [Int]]>([:])
    for one in [ThreadStanding.usual, .patient, .behind] {
        try SystemThread(name: "is-\(one)", standing: one) {
            values.withLock { $0[one] = standing() }
        }.join()
    }
    let own = standing()
    #expect(values.withLock { $0[.usual] } == own)
    #expect(values.withLock { $0[.patient] } == [own[0], 3])
    #expect(values.withLock { $0[.behind] } == [max(10, own[0]), 3])
}

@Test("a directory where a file is looked for has a size, and cannot be read")
func directoryForFile() throws {
    try withDirectory { directory in
        let file = try SystemDisk().open(directory, .readOnly)
        #expect(try file.byteCount() < 1 << 30)
        var bytes: [UInt8] = [0]
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        #expect(throws: DiskError.self) { try file.read(into: &raw, at: 0) }
    }
}

@Test("a zeroed range reads as zeros and keeps its room")
func zeroedRange() throws {
    try withDirectory { directory in
        let file = try SystemDisk().open("\(directory)/a", .create)
        let ones = [UInt8](repeating: 1, count: 12_288)
        try file.write(ones.span.bytes, at: 0)
        try file.zero(from: 4096, count: 8192)
        var read = ones
        var span = read.mutableSpan
        var raw = span.mutableBytes
        _ = try file.read(into: &raw, at: 0)
        #expect(read == Array(ones.prefix(4096)) + [UInt8](repeating: 0, count: 8192))
    }
}

@Test("an error names the operation and the path")
func errorsSayWhat() throws {
    try withDirectory { directory in
        let missing = "\(directory)/missing"
        let error = try #require(
            throws: DiskError.self, performing: { _ = try SystemDisk().open(missing, .readWrite) })
        #expect(error.isNotFound)
        #expect("\(error)".hasPrefix("cannot open \(missing): No such file"))
        let status = try SystemDisk().status(missing)
        #expect(status == nil)
    }
}

@Test("the first byte of a file is locked once")
func lockIsExclusive() throws {
    try withDirectory { directory in
        let path = "\(directory)/lock"
        let first = try SystemDisk().open(path, .create)
        let second = try SystemDisk().open(path, .create)
        #expect(try first.lockFirstByte())
        #expect(try !second.lockFirstByte())
        first.close()
        #expect(try second.lockFirstByte())
    }
}

@Test("a lock is given up by closing the file, whatever else the process starts meanwhile")
func lockEndsWithTheFile() throws {
    try withDirectory { directory in
        let path = "\(directory)/lock"
        let isDone = Flag()
        // Between fork and exec a child holds all files of this process.
        let starter = try SystemThread(name: "starter") {
            while !isDone.isSet {
                let child = Process()
                child.executableURL = URL(fileURLWithPath: "/bin/true")
                do {
                    try child.run()
                    child.waitUntilExit()
                } catch {
                    Issue.record(error)
                    return
                }
            }
        }
        defer {
            _ = isDone.set()
            starter.join()
        }
        for round in 0..<20_000 {
            let file = try SystemDisk().open(path, .create)
            try #require(try file.lockFirstByte(), "round \(round)")
            file.close()
        }
    }
}

@Test("what is written through is there, one part behind the other")
func writesThrough() throws {
    try withDirectory { directory in
        let file = try SystemDisk().open("\(directory)/file", .create)
        let first = (0..<8192).map { UInt8(truncatingIfNeeded: $0) }
        let second = [UInt8](repeating: 9, count: 100)
        try file.writeThrough(first.span.bytes, second.span.bytes, at: 4096)
        try file.writeThrough(RawSpan(), [UInt8(7)].span.bytes, at: 5000)
        #expect(try file.byteCount() == 4096 + 8192 + 100)
        var read = [UInt8](repeating: 0, count: 20_000)
        var span = read.mutableSpan
        var bytes = span.mutableBytes
        let count = try file.read(into: &bytes, at: 0)
        var expected = [UInt8](repeating: 0, count: 4096) + first + second
        expected[5000] = 7
        #expect(Array(read[..<count]) == expected)
    }
}

@Test("a write-through that the file refuses fails, and says what was attempted")
func refusedWriteThrough() throws {
    try withDirectory { directory in
        let path = "\(directory)/file"
        try SystemDisk().open(path, .create).close()
        let file = try SystemDisk().open(path, .readOnly)
        let error = try #require(
            throws: DiskError.self,
            performing: {
                try file.writeThrough([UInt8(1)].span.bytes, [UInt8(2)].span.bytes, at: 0)
            })
        #expect("\(error)".hasPrefix("cannot write through 2 bytes at 0 of \(path): "))
    }
}

@Test("a ring between reading the signal and waiting is not missed")
func signalIsHeard() throws {
    let signal = Signal()
    let seen = signal.current
    signal.ring()
    signal.wait(after: seen)
    let again = signal.current
    let thread = try SystemThread(name: "ring") { signal.ring() }
    signal.wait(after: again, nanoseconds: 5_000_000_000)
    thread.join()
    #expect(signal.current == again &+ 1)
}

@Test("the clock in milliseconds is that of the system, and goes on with it")
func wallClockAgrees() {
    var last: Int64 = 0
    let end = TimeSource.system.nanoseconds + 50_000_000
    while TimeSource.system.nanoseconds < end {
        let before = Int64(Date().timeIntervalSince1970 * 1000)
        let read = TimeSource.system.wallMilliseconds
        let after = Int64(Date().timeIntervalSince1970 * 1000)
        #expect(read >= before - 1 && read <= after + 1)
        #expect(read >= last)
        last = read
    }
}
