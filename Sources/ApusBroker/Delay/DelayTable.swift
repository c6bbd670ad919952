// The levels by which messages are delayed, and where those wait.

/// How long a message of each level waits.
struct DelayTable: Hashable, Sendable {
    /// RocketMQ's own levels.
    static let standard = DelayTable(
        milliseconds: [
            1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200,
        ].map { $0 * 1000 })

    /// What level 1, 2, … waits.
    let milliseconds: [Int64]

    /// The highest level.
    var highest: Int { milliseconds.count }

    /// As configured; there is at least one.
    init(milliseconds: [Int64]) { self.milliseconds = milliseconds }

    /// The level that counts when a message asks for `level`: those past the last are the last; nil
    /// when it is not to wait.
    func level(_ level: Int) -> Int? { level > 0 ? min(level, highest) : nil }

    /// What a message of this level waits, from 1 to `highest`.
    func delay(level: Int) -> Int64 {
        milliseconds.indices.contains(level - 1) ? milliseconds[level - 1] : 1000
    }

    /// The queue of the schedule topic that holds a level's messages.
    static func queueID(level: Int) -> Int32 { Int32(truncatingIfNeeded: level - 1) }
}
