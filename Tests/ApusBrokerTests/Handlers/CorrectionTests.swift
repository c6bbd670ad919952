// How far all groups are, where messages are deleted that some of them never saw.

import ApusFormat
import ApusRemoting
import ApusSystem
import TestSupport
import Testing

@testable import ApusBroker
@testable import ApusStore

@Suite("the lowest offset of all groups") struct CorrectionTests {
    @Test("is not that of a group whose next message is gone")
    func gone() throws {
        let room = try SimulatedRoom()
        let core = try room.start()
        defer { try? core.store.close() }
        let queue = try core.store.queue(topic: "Orders", id: 0)
        let body = [UInt8](repeating: 1, count: 1_000)
        for _ in 0..<40 {
            _ = try core.store.appendWithoutWaiting(to: queue, body: body.rawSpan)
        }
        try core.store.flush()
        for _ in 0..<10 {
            room.clock.advance(milliseconds: 3_600_000)
            _ = core.store.cleaner.doWork()
        }
        let low = try core.store.minimumOffset(queue)
        #expect(low > 0)
        for (group, offset) in [("behind", low - 1), ("there", low), ("ahead", low + 1)] {
            core.state.offsets.commit(group: group, topic: "Orders", queue: 0, offset: offset)
        }
        let answer = try core.correctionOffsets(
            .request(
                .queryCorrectionOffset, fields: ["topic": "Orders", "compareGroup": "nobody"]))
        let json = try JSON(parsing: answer.body.rawSpan)
        #expect(json["correctionOffsets"]?["0"]?.int64 == low)
    }
}
