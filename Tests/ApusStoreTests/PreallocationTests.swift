// The next segment is made ahead of the writer, and once.

import ApusFormat
import ApusSystem
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
        if old.bytes.count / 2 < Int(store.published) { _ = preallocator.doWork() }
    }
    try store.append(message(number))
    // An appender that was stopped when it had filled the old segment, and the agent behind it.
    preallocator.follow(old, position: old.bytes.count - 100)
    _ = preallocator.doWork()
    preallocator.follow(old, position: old.bytes.count - 100)
    _ = preallocator.doWork()
    let queue = try store.queue(topic: "Orders")
    for offset in 0...number {
        let read = try store.read(queue, from: Int64(offset), count: 1).messages()
        #expect(read.map(\.body) == [message(offset).body])
    }
    try store.close()
}
