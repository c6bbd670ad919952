// How a table of a broker is told from another state of itself, by NameServers and tools.

public import ApusRemoting

/// The version of a table. Equal versions mean equal tables, as far as the same broker made them.
public struct DataVersion: Hashable, Sendable {
    /// Of the controller or the container that the broker is in; 0 without one. At a NameServer, a
    /// broker with a lower one does not replace another at its place.
    public var stateVersion: Int64
    /// Milliseconds since 1970, by the broker's clock, at the last change.
    public var timestamp: Int64
    /// Changes so far.
    public var counter: Int64

    public init(stateVersion: Int64 = 0, timestamp: Int64 = 0, counter: Int64 = 0) {
        self.stateVersion = stateVersion
        self.timestamp = timestamp
        self.counter = counter
    }

    /// One more change, at `now` in milliseconds since 1970.
    public mutating func advance(at now: Int64) {
        timestamp = now
        stateVersion = 0
        counter &+= 1
    }
}

// MARK: - As RocketMQ writes it

extension DataVersion {
    /// `{"counter":9,"stateVersion":0,"timestamp":1795346241878}`. What is missing or null is 0.
    /// nil for what is no object, or has something other than numbers in it.
    public init?(_ json: JSON) {
        guard let fields = json.object else { return nil }
        self.init()
        for (name, path) in Self.members {
            guard let value = fields[name], value != .null else { continue }
            guard let number = value.int64 else { return nil }
            self[keyPath: path] = number
        }
    }

    public var json: JSON {
        var fields = JSONObject()
        for (name, path) in Self.members { fields.append(name, .integer(self[keyPath: path])) }
        return .object(fields)
    }

    private static var members: [(String, WritableKeyPath<DataVersion, Int64>)] {
        [
            ("counter", \.counter), ("stateVersion", \.stateVersion), ("timestamp", \.timestamp),
        ]
    }
}
