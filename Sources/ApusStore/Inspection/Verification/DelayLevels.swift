// When a message of `SCHEDULE_TOPIC_XXXX` is to be delivered: its store time and the delay of its
// level, which stands in the tags code of its entry.
//
// A broker may be configured with other levels (`messageDelayLevel`), which no file tells. A level
// of which not one entry agrees with RocketMQ's own table is therefore taken for configured.

import ApusFormat

/// The delay levels, and how the entries of a store agree with them.
package struct DelayLevels {
    /// The topic of messages that wait.
    package static let topic = "SCHEDULE_TOPIC_XXXX"
    private static let seconds: [Int64] = [
        1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200,
    ]

    /// The delivery time by RocketMQ's own table; nil for no delay. Levels past the last are the
    /// last.
    package static func deliveryTime(level: Int, storeTimestamp: Int64) -> Int64? {
        guard level > 0 else { return nil }
        return storeTimestamp &+ seconds[min(level, seconds.count) - 1] * 1000
    }

    /// An entry whose time is not that of the table.
    struct Deviation {
        let place: Finding.Place
        let delay: Int64
    }

    private var agreeing: Set<Int> = []
    private var deviations: [Int: [Deviation]] = [:]
    private var counts: [Int: Int64] = [:]

    init() {}

    /// Notes an entry of a message with this level.
    mutating func note(level: Int, storeTimestamp: Int64, tagsCode: Int64, place: Finding.Place) {
        let level = min(level, Self.seconds.count)
        if tagsCode == Self.deliveryTime(level: level, storeTimestamp: storeTimestamp) {
            agreeing.insert(level)
            return
        }
        counts[level, default: 0] += 1
        if deviations[level, default: []].count < FindingList.limit {
            deviations[level, default: []].append(
                Deviation(place: place, delay: tagsCode &- storeTimestamp))
        }
    }

    func report(to findings: FindingList) {
        for (level, found) in deviations.sorted(by: { $0.key < $1.key }) {
            let delays = Set(found.map(\.delay))
            let count = counts[level] ?? 0
            if !agreeing.contains(level), delays.count == 1, let delay = delays.first,
                delay >= 0, delay < 40 * 86_400_000
            {
                findings.add(
                    Finding(
                        .note, .delayLevels, at: found[0].place, count: count,
                        "\(count) entries of delay level \(level) have a delay of \(delay) ms"
                            + " instead of RocketMQ's \(Self.seconds[level - 1] * 1000) ms.",
                        consumers: "None, if messageDelayLevel was configured so."))
                continue
            }
            for deviation in found {
                findings.add(
                    Finding(
                        .inconsistency, .entryTags, at: deviation.place,
                        "The entry says that the message is due \(deviation.delay) ms after it was"
                            + " stored; delay level \(level) is \(Self.seconds[level - 1] * 1000)"
                            + " ms.",
                        consumers: "The message is delivered at a wrong time."))
            }
        }
    }
}
