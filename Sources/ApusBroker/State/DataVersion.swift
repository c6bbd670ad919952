// How a table of the broker is told from an older state of itself, by NameServers and tools.

/// The version of a table. Equal versions mean equal tables, as far as the same broker made them.
public struct DataVersion: Hashable, Sendable {
    /// 0 in a broker without a controller.
    public var stateVersion: Int64
    /// Milliseconds since 1970 at the last change.
    public var timestamp: Int64
    /// Changes so far.
    public var counter: Int64

    public init(stateVersion: Int64 = 0, timestamp: Int64, counter: Int64 = 0) {
        self.stateVersion = stateVersion
        self.timestamp = timestamp
        self.counter = counter
    }

    /// One more change, at `now` in milliseconds since 1970.
    public mutating func advance(at now: Int64, stateVersion: Int64 = 0) {
        timestamp = now
        self.stateVersion = stateVersion
        counter &+= 1
    }
}

/// RocketMQ's order: by state version, then by counter, then by time.
extension DataVersion: Comparable {
    public static func < (one: DataVersion, other: DataVersion) -> Bool {
        (one.stateVersion, one.counter, one.timestamp)
            < (other.stateVersion, other.counter, other.timestamp)
    }
}
