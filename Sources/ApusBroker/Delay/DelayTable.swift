// The levels by which messages are delayed (`messageDelayLevel`), and where those wait.

/// How long a message of each level waits.
struct DelayTable: Hashable, Sendable {
    /// The topic of messages that wait; its queue N holds those of level N + 1.
    static let topic = "SCHEDULE_TOPIC_XXXX"
    /// RocketMQ's own levels.
    static let standard = DelayTable(
        milliseconds: [
            1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200,
        ].map { $0 * 1000 })

    /// What level 1, 2, … waits.
    let milliseconds: [Int64]

    /// The highest level.
    var highest: Int { milliseconds.count }

    private init(milliseconds: [Int64]) { self.milliseconds = milliseconds }

    /// Reads RocketMQ's notation, `1s 5s 10m 2h 1d`; nil when it is not that.
    init?(_ text: String) {
        let units: [Character: Int64] = [
            "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
        ]
        var levels: [Int64] = []
        for word in text.split(separator: " ") {
            guard let unit = word.last.flatMap({ units[$0] }), let count = Int64(word.dropLast()),
                count >= 0, case let (time, isLong) = count.multipliedReportingOverflow(by: unit),
                !isLong
            else { return nil }
            levels.append(time)
        }
        guard !levels.isEmpty else { return nil }
        milliseconds = levels
    }

    /// The level that counts when a message asks for `level`: those past the last are the last; nil
    /// when it is not to wait.
    func level(_ level: Int) -> Int? { level > 0 ? min(level, highest) : nil }

    /// What a message of this level waits, from 1 to `highest`.
    func delay(level: Int) -> Int64 {
        milliseconds.indices.contains(level - 1) ? milliseconds[level - 1] : 1000
    }

    static func queueID(level: Int) -> Int32 { Int32(truncatingIfNeeded: level - 1) }
}
