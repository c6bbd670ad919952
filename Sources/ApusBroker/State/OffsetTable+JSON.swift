// Offsets as `consumerOffset.json` and `delayOffset.json` hold them.

import ApusFormat
import ApusRemoting
import ApusServer

/// Members that are kept as they are.
struct StrangeMembers: Sendable {
    var object = JSONObject()
}

extension OffsetTable.Key {
    /// RocketMQ's `topic@group`; nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        self.init(topic: String(parts[0]), group: String(parts[1]))
    }

    var text: String { "\(topic)@\(group)" }
}

extension OffsetTable.Offsets {
    /// `consumerOffset.json`. Without the `groupTopicMap` that RocketMQ writes and never reads.
    var document: [UInt8] {
        var table = JSONObject()
        for (key, offsets) in byKey.map({ ($0.text, $1) }).sorted(by: { $0.0 < $1.0 }) {
            table.append(key, JSON(offsets))
        }
        for member in strange.object.members { table.append(member.name, member.value) }
        let document = JSONObject([
            ("dataVersion", version.json), ("offsetTable", .object(table)),
        ])
        return JSON.object(document).bytes(.fastjsonPretty)
    }

    /// What `consumerOffset.json` says.
    init(_ bytes: RawSpan, now: Int64) throws(StateProblem) {
        let document = try StateObject(document: bytes)
        version = try DataVersion(in: document, now: now)
        for member in try document.required("offsetTable").object.members {
            guard let key = OffsetTable.Key(member.name) else {
                strange.object.append(member.name, member.value)
                continue
            }
            let offsets = try StateObject(member.value, at: "the offsets of \(member.name)")
            byKey[key] = try offsets.offsets
        }
    }
}

extension DelayOffsetTable.Offsets {
    /// `delayOffset.json`.
    var document: [UInt8] {
        let document = JSONObject([
            ("dataVersion", version.json), ("offsetTable", JSON(byLevel)),
        ])
        return JSON.object(document).bytes(.fastjsonPretty)
    }

    /// What `delayOffset.json` says.
    init(_ bytes: RawSpan, now: Int64) throws(StateProblem) {
        let document = try StateObject(document: bytes)
        version = try DataVersion(in: document, now: now)
        byLevel = try document.required("offsetTable").offsets
    }
}

extension JSON {
    /// A Java map of integers to integers, in the order of its keys.
    fileprivate init(_ offsets: [Int32: Int64]) {
        var object = JSONObject()
        for (key, value) in offsets.sorted(by: { $0.key < $1.key }) {
            object.append(Int(key), .integer(value))
        }
        self = .object(object)
    }
}

extension StateObject {
    /// A Java map of integers to integers.
    fileprivate var offsets: [Int32: Int64] {
        get throws(StateProblem) {
            var offsets: [Int32: Int64] = [:]
            for member in object.members {
                guard let key = Int32(member.name) else {
                    throw StateProblem("\(member.name) in \(place) is no number")
                }
                guard let offset = member.value.int64 else {
                    throw StateProblem("the offset under \(key) in \(place) is no number")
                }
                offsets[key] = offset
            }
            return offsets
        }
    }
}
