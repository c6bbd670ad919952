// The next segment is made ahead of the writer, and once.

import ApusFormat
import ApusSystem
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Test("a segment that the writer went on to is not made again by who comes late")
func lateFollower() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    let preallocator = store.log.preallocator
    let old = try #require(store.log.segments.last)
    var number = 0
    while store.log.segments.last === old {
        try store.append(message(number))
        number += 1
        if old.bytes.count / 2 < Int(store.published) {
            _ = preallocator.doWork()
            _ = preallocator.maker.doWork()
        }
    }
    try store.append(message(number))
    // An appender that was stopped when it had filled the old segment, and the agent behind it.
    preallocator.follow(old, position: old.bytes.count - 100)
    _ = preallocator.doWork()
    _ = preallocator.maker.doWork()
    preallocator.follow(old, position: old.bytes.count - 100)
    _ = preallocator.doWork()
    _ = preallocator.maker.doWork()
    let queue = try store.queue(topic: "Orders")
    for offset in 0...number {
        let read = try store.read(queue, from: Int64(offset), count: 1).messages()
        #expect(read.map(\.body) == [message(offset).body])
    }
    try store.close()
}

@Test(
    "pages are being brought in until those of the next segment are there",
    arguments: [false, true]
)
func preparing(wholeSegments: Bool) throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(
        directory.path,
        tinyConfiguration {
            $0.commitLog.writer = .mapped
            $0.commitLog.populatesWholeSegment = wholeSegments
        })
    let preallocator = store.log.preallocator
    preallocator.follow(try #require(store.log.segments.last), position: 40_000)
    #expect(store.isPreparing)
    _ = preallocator.doWork()
    #expect(preallocator.isIdle && store.isPreparing)
    while preallocator.maker.doWork() > 0 {}
    #expect(preallocator.maker.isIdle && preallocator.maker.prepared != nil && store.isPreparing)
    _ = preallocator.doWork()
    #expect(!store.isPreparing)
    try store.close()
}

private func pageAlignedStore(in directory: TemporaryDirectory) throws -> MessageStore {
    let configuration = tinyConfiguration {
        $0.commitLog.writer = .pageAligned
        $0.commitLog.segmentByteCount = 16 << 20
    }
    return try MessageStore.open(directory.path, configuration)
}

@Test("memory of a segment's own is not brought in where the writer has been")
func staysBehind() throws {
    let directory = try TemporaryDirectory()
    let store = try pageAlignedStore(in: directory)
    let segment = try #require(store.log.segments.last)
    // So fast that the agent comes late.
    while store.published < 12 << 20 { try store.append(message(1, size: 60_000)) }
    store.log.preallocator.follow(segment, position: Int(store.published))
    _ = store.log.preallocator.doWork()
    let pages = segment.target.bytes(in: 0..<10 << 20).withUnsafeBytes { bytes in
        var resident = [UInt8](repeating: 0, count: bytes.count / 4096)
        let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        #expect(mincore(base, bytes.count, &resident) == 0)
        return resident.count { $0 & 1 == 1 }
    }
    #expect(pages == 0)
    try store.close()
}

@Test("who makes room writes what no sync would have written, and leaves to commits what they left")
func writesWhatIsMuch() throws {
    let directory = try TemporaryDirectory()
    let store = try pageAlignedStore(in: directory)
    let writer = try #require(store.log.writer)
    let segment = try #require(store.log.segments.last)
    let queue = try store.queue(topic: "Orders").queue
    let body = [UInt8](repeating: 7, count: 60_000)
    func append(upTo end: Int) throws -> Int64 {
        while store.published < end {
            _ = try store.log.append(
                to: queue, body: body.span.bytes, properties: RawSpan(),
                attributes: MessageAttributes())
        }
        store.log.preallocator.follow(segment, position: Int(store.published))
        _ = store.log.preallocator.doWork()
        return writer.written.load(ordering: .relaxed)
    }
    #expect(try append(upTo: 900_000) == 0)
    #expect(try append(upTo: 1 << 20) == store.published)
    try store.close()
}
