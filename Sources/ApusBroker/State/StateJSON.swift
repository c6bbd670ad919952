// Reading the shapes that RocketMQ writes. What a newer RocketMQ adds is kept and written again.

import ApusFormat
import ApusRemoting
import ApusServer

/// An object out of a file, with the place that complaints name.
struct StateObject {
    let place: String
    let object: JSONObject

    init(_ json: JSON, at place: String) throws(StateProblem) {
        guard let object = json.object else { throw StateProblem("\(place) is no object") }
        self.place = place
        self.object = object
    }

    /// The document in `bytes`.
    init(document bytes: RawSpan) throws(StateProblem) {
        let json: JSON
        do throws(JSONError) {
            // An offset takes about 20 bytes, so that the longest file has fewer.
            json = try JSON(parsing: bytes, limits: JSONLimits(depth: 64, values: 1 << 26))
        } catch {
            throw StateProblem("\(error)")
        }
        try self.init(json, at: "the document")
    }

    /// Nil where the member is missing or null.
    private subscript(name: String) -> JSON? {
        guard let value = object[name], value != .null else { return nil }
        return value
    }

    private func value<Value>(
        _ name: String, _ otherwise: Value, _ kind: String, _ convert: (JSON) -> Value?
    ) throws(StateProblem) -> Value {
        guard let json = self[name] else { return otherwise }
        guard let value = convert(json) else {
            throw StateProblem("\(name) of \(place) is no \(kind)")
        }
        return value
    }

    func int32(_ name: String, _ otherwise: Int32) throws(StateProblem) -> Int32 {
        try value(name, otherwise, "32-bit number") { $0.int32 }
    }
    func int64(_ name: String, _ otherwise: Int64) throws(StateProblem) -> Int64 {
        try value(name, otherwise, "number") { $0.int64 }
    }
    func bool(_ name: String, _ otherwise: Bool) throws(StateProblem) -> Bool {
        try value(name, otherwise, "truth value") { $0.bool }
    }
    func string(_ name: String, _ otherwise: String) throws(StateProblem) -> String {
        try value(name, otherwise, "text") { $0.string }
    }

    /// A map of texts; empty where it is missing.
    func strings(_ name: String) throws(StateProblem) -> [String: String] {
        guard let json = self[name] else { return [:] }
        let map = try StateObject(json, at: "\(name) of \(place)")
        var strings: [String: String] = [:]
        for member in map.object.members {
            guard let value = member.value.string else {
                throw StateProblem("\(member.name) in \(map.place) is no text")
            }
            strings[member.name] = value
        }
        return strings
    }

    /// An object that must be there: without it the file is not what its name says.
    func required(_ name: String) throws(StateProblem) -> StateObject {
        guard let json = self[name] else { throw StateProblem("\(place) has no \(name)") }
        return try StateObject(json, at: name)
    }

    func optional(_ name: String) throws(StateProblem) -> StateObject? {
        guard let json = self[name] else { return nil }
        return try StateObject(json, at: name)
    }

    /// The members that are none of these.
    func others(than known: Set<String>) -> JSONObject {
        var others = JSONObject()
        for member in object.members where !known.contains(member.name) {
            others.append(member.name, member.value)
        }
        return others
    }
}

extension DataVersion {
    /// The version in `object`, or a first one at `now` where an old RocketMQ wrote none.
    init(in object: StateObject, now: Int64) throws(StateProblem) {
        guard let version = try object.optional("dataVersion") else {
            self.init(timestamp: now)
            return
        }
        self.init(
            stateVersion: try version.int64("stateVersion", 0),
            timestamp: try version.int64("timestamp", now),
            counter: try version.int64("counter", 0))
    }
}

extension JSON {
    /// A map of texts, in the order of its keys.
    init(_ strings: [String: String]) {
        var object = JSONObject()
        for (key, value) in strings.sorted(by: { $0.key < $1.key }) {
            object.append(key, .string(value))
        }
        self = .object(object)
    }
}
