// What came and went, in steps of ten seconds.

import ApusFormat
import Synchronization
import Testing

@testable import ApusBroker

@Suite("traffic") struct TrafficHistoryTests {
    @Test("a series knows the last minute, hour and day")
    func spans() {
        var series = TrafficSeries(since: 0)
        var time: Int64 = 0
        func pass(_ ticks: Int, each count: Int64) {
            for _ in 0..<ticks {
                time += 10_000
                series.add(count, at: time, tick: Int(time / 10_000))
            }
        }
        pass(3, each: 20)
        // Younger than a minute: since it began.
        #expect(series.figures(.minute) == (60, 2.0) && series.figures(.day) == (60, 2.0))
        pass(357, each: 10)
        #expect(series.figures(.minute) == (60, 1.0))
        #expect(series.figures(.hour).count == 3_630)
        pass(360, each: 0)
        #expect(series.figures(.minute) == (0, 0) && series.figures(.hour).count == 0)
        #expect(series.figures(.day).count == 3_630 && !series.isIdle)
        pass(24 * 360, each: 0)
        #expect(series.isIdle && series.total == 3_630)
        pass(1, each: -5)
        #expect(series.total == 3_630)
    }

    @Test("a topic that is changed goes on counting, and a group that goes back does not count")
    func sources() {
        let key = OffsetTable.Key(topic: "T", group: "G")
        let history = TrafficHistory(time: 0, offsets: [key: [0: 100]])
        let broker = BrokerStatistics()
        func topic(_ count: Int) -> Topic {
            let topic = Topic(TopicSettings("T"), isSystem: false)
            topic.messagesIn.store(count, ordering: .relaxed)
            return topic
        }
        let first = topic(5)
        history.tick(at: 10_000, topics: [first], offsets: [key: [0: 107, 1: 0]], broker)
        #expect(history.series(.topicPut("T"))?.total == 5)
        #expect(history.series(.groupGet(key))?.total == 7)
        #expect(history.rate(.groupGet(key)) == 0.7)
        let second = topic(2)
        history.tick(at: 20_000, topics: [second], offsets: [key: [0: 3, 1: 0]], broker)
        #expect(history.series(.topicPut("T"))?.total == 7)
        #expect(history.series(.groupGet(key))?.total == 7)
        broker.pulled(messages: 4, bytes: 1)
        history.tick(at: 30_000, topics: [], offsets: [key: [0: 4]], broker)
        #expect(history.series(.groupGet(key))?.total == 8)
        #expect(history.series(.brokerGet)?.total == 4 && history.series(.brokerPut) == nil)
        // A group that is new has come by what it has without consuming here.
        let other = OffsetTable.Key(topic: "T", group: "H")
        history.tick(at: 40_000, topics: [], offsets: [other: [0: 9]], broker)
        #expect(history.series(.groupGet(other)) == nil)
    }

    @Test("counts what came within one millisecond")
    func atOnce() {
        let history = TrafficHistory(time: 5)
        let broker = BrokerStatistics()
        broker.pulled(messages: 4, bytes: 1)
        for time: Int64 in [5, 5, 1_005] {
            history.tick(at: time, topics: [], offsets: [:], broker)
            #expect(history.series(.brokerGet)?.figures(.day).count == 4)
        }
        #expect(history.rate(.brokerGet) == 4)
    }

    @Test("stays at the most that can be counted")
    func most() {
        var series = TrafficSeries(since: 0)
        for tick in 1...3 { series.add(.max, at: Int64(tick) * 10_000, tick: tick) }
        #expect(series.total == .max && series.figures(.minute).count == .max)
        let key = OffsetTable.Key(topic: "T", group: "G")
        let history = TrafficHistory(time: 0, offsets: [key: [0: .max, 1: 1]])
        let broker = BrokerStatistics()
        let steps: [[Int32: Int64]] = [[0: 0, 1: 1], [0: .max, 1: .max], [0: .min, 1: 5]]
        for (tick, offsets) in steps.enumerated() {
            history.tick(
                at: Int64(tick + 1) * 10_000, topics: [], offsets: [key: offsets], broker)
        }
        #expect(history.series(.groupGet(key))?.total == Int64.max - 1)
    }
}
