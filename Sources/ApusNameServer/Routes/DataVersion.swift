// The version of a broker's topic table, as the broker counts it.

import ApusRemoting

/// When a broker last changed its topics. Only equality means something here: a broker that says
/// another version than the one on record sends its topics again.
struct DataVersion: Hashable, Sendable {
    /// Of the controller or the container that the broker is in; 0 without one. A broker with a
    /// lower one does not replace another at its place.
    var stateVersion: Int64 = 0
    /// Milliseconds since 1970 by the broker's clock.
    var timestamp: Int64 = 0
    /// How often the table changed.
    var counter: Int64 = 0

    /// `{"counter":9,"stateVersion":0,"timestamp":1795346241878}`. What is missing or null is 0.
    init?(_ json: JSON) {
        guard case .object(let fields) = json else { return nil }
        self.init()
        for (name, path) in Self.members {
            guard let value = fields[name], value != .null else { continue }
            guard let number = value.int64 else { return nil }
            self[keyPath: path] = number
        }
    }

    init(stateVersion: Int64 = 0, timestamp: Int64 = 0, counter: Int64 = 0) {
        self.stateVersion = stateVersion
        self.timestamp = timestamp
        self.counter = counter
    }

    var json: JSON {
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
