// Which client of a group may consume a queue in order. Kept in memory only: a lock that is not
// renewed ends, and clients renew theirs every 20 seconds.

/// A queue as clients name it in a lock.
struct LockedQueue: Hashable, Sendable {
    let topic: String
    let brokerName: String
    let queueID: Int32
}

/// The locks of orderly consumers. Times are milliseconds of any one clock.
struct QueueLocks {
    private struct Lock {
        var client: String
        var renewed: Int64
    }

    /// How long a lock holds without being renewed, as in RocketMQ.
    static let lifetimeMilliseconds: Int64 = 60_000
    /// Queues that one group may hold: a client cannot fill the memory with names.
    static let limitOfGroup = 65_536

    private var groups: [String: [LockedQueue: Lock]] = [:]

    /// Those of `queues` that `client` holds now, new or renewed.
    mutating func lock(
        _ queues: [LockedQueue], group: String, client: String, now: Int64
    ) -> [LockedQueue] {
        var held = groups[group] ?? [:]
        let locked = queues.filter { queue in
            if let lock = held[queue], lock.client != client, Self.holds(lock, now) { return false }
            if held[queue] == nil, held.count >= Self.limitOfGroup { return false }
            held[queue] = Lock(client: client, renewed: now)
            return true
        }
        groups[group] = held.isEmpty ? nil : held
        return locked
    }

    /// Gives up what `client` holds of `queues`.
    mutating func unlock(_ queues: [LockedQueue], group: String, client: String) {
        guard var held = groups[group] else { return }
        for queue in queues where held[queue]?.client == client { held[queue] = nil }
        groups[group] = held.isEmpty ? nil : held
    }

    /// Whether anyone of the group holds a queue: then its messages are consumed in order.
    func isAnyHeld(group: String, now: Int64) -> Bool {
        groups[group]?.values.contains { Self.holds($0, now) } ?? false
    }

    /// Forgets locks that have ended.
    mutating func expire(now: Int64) {
        groups = groups.compactMapValues { held in
            let left = held.filter { Self.holds($0.value, now) }
            return left.isEmpty ? nil : left
        }
    }

    private static func holds(_ lock: Lock, _ now: Int64) -> Bool {
        now &- lock.renewed <= lifetimeMilliseconds
    }
}
