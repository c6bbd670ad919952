// Java's answer beside ours.

import ApusFormat
import ApusRemoting

/// What has been learnt of how one side's places and ports stand for the other's.
struct Comparison: Sendable {
    /// Where our broker is. Java's was on port 10911 of the same host.
    let address: HostAddress
    /// When the replay began, milliseconds since 1970.
    let began: Int64
    /// Our record at a place in the log.
    let record: @Sendable (Int64) -> StoredRecord?
    /// Where a record stood in Java's log → where it stands in ours.
    var places: [Int64: Int64] = [:]
    /// The id that Java gave a message → the one that we gave.
    var identities: [String: String] = [:]
    /// Java's port of a client's connection → ours.
    var ports: [Int32: Int32] = [:]

    static let theirAddress = HostAddress.loopback(port: 10911)

    /// How our answer differs from Java's where it must not.
    mutating func differences(
        _ request: RemotingCommand, theirs: RemotingCommand, ours: RemotingCommand
    ) -> [String] {
        var found: [String] = []
        func check(_ what: String, _ theirs: some Equatable, _ ours: some Equatable) {
            if "\(theirs)" != "\(ours)" { found.append("\(what) is \(ours), Java's \(theirs)") }
        }
        check("the number", theirs.opaque, ours.opaque)
        check("flags", theirs.flags, ours.flags)
        check("version", theirs.version, ours.version)
        check("serialisation", theirs.serialization, ours.serialization)
        check("language", MayDiffer.ourLanguage, ours.language)
        if let code = MayDiffer.refusal(of: request) {
            check("the refusal's code", code.rawValue, ours.code)
            check("the refusal's body", [UInt8](), ours.body)
            return found
        }
        check("code", theirs.code, ours.code)
        check("remark", theirs.remark ?? "none", ours.remark ?? "none")
        for name in Set((theirs.fields.all + ours.fields.all).map(\.name)).sorted() {
            guard let one = theirs.fields[name], let other = ours.fields[name] else {
                found.append("field \(name) is on one side only")
                continue
            }
            if name == MayDiffer.identity, !Self.namesItself(request) {
                if let complaint = complaint(identity: one, other, in: ours) {
                    found.append(complaint)
                }
            } else if let complaint = complaint(field: name, one, other, in: ours) {
                found.append("field \(name): \(complaint)")
            }
        }
        return found + bodyDifferences(request, theirs: theirs.body, ours: ours.body)
    }

    private mutating func complaint(
        field name: String, _ theirs: String, _ ours: String, in answer: RemotingCommand
    ) -> String? {
        if MayDiffer.times.contains(name) { return complaint(time: theirs, ours) }
        guard MayDiffer.places.contains(name) else {
            return theirs == ours ? nil : "\(ours), Java's \(theirs)"
        }
        if name == "msgId" { return complaint(ids: theirs, ours, in: answer) }
        guard let one = Int64(theirs), let other = Int64(ours) else { return "is no number" }
        return complaint(place: one, other)
    }

    /// Whether the client gave its message an id.
    private static func namesItself(_ send: RemotingCommand) -> Bool {
        (send.fields["properties"] ?? send.fields["i"] ?? "").contains("UNIQ_KEY\u{1}")
    }

    private mutating func complaint(
        identity theirs: String, _ ours: String, in answer: RemotingCommand
    ) -> String? {
        identities[theirs] = ours
        let id = answer.fields["msgId"].flatMap { OffsetMessageID($0) }
        let stored = id.flatMap { record($0.physicalOffset) }?.properties["UNIQ_KEY"]
        return stored == ours && UniqueID(ours) != nil ? nil : "\(ours) is not the stored id"
    }

    private func complaint(time theirs: String, _ ours: String) -> String? {
        guard let one = Int64(theirs), let other = Int64(ours) else { return "is no number" }
        if one == 0 || other == 0 { return one == other ? nil : "\(other), Java's \(one)" }
        return (began...began + 600_000).contains(other) ? nil : "\(other) is not of this run"
    }

    private mutating func complaint(place theirs: Int64, _ ours: Int64) -> String? {
        if let known = places[theirs] {
            return known == ours ? nil : "place \(ours), which was \(known)"
        }
        guard record(ours) != nil else { return "no record at \(ours)" }
        places[theirs] = ours
        return nil
    }

    /// Offset message ids: one for each of Java's, with our address, and each that of a record
    /// that is what was sent.
    private mutating func complaint(
        ids theirs: String, _ ours: String, in answer: RemotingCommand
    ) -> String? {
        let (one, other) = (theirs.split(separator: ","), ours.split(separator: ","))
        guard one.count == other.count else { return "\(other.count) ids, Java has \(one.count)" }
        var offset = Int64(answer.fields["queueOffset"] ?? "") ?? -1
        for (one, other) in zip(one, other) {
            guard let one = OffsetMessageID(String(one)), let other = OffsetMessageID(String(other))
            else { return "\(other) is no id" }
            guard one.storeHost == Self.theirAddress, other.storeHost == address else {
                return "\(other) is not of \(address)"
            }
            if let complaint = complaint(place: one.physicalOffset, other.physicalOffset) {
                return complaint
            }
            guard record(other.physicalOffset)?.fields.queueOffset == offset else {
                return "\(other) is another message"
            }
            offset += 1
        }
        return nil
    }
}

// MARK: - Bodies

extension Comparison {
    private mutating func bodyDifferences(
        _ request: RemotingCommand, theirs: [UInt8], ours: [UInt8]
    ) -> [String] {
        switch request.requestCode {
        case .pullMessage, .litePullMessage, .queryMessage, .viewMessageById:
            return recordDifferences(theirs, ours)
        default: break
        }
        if theirs == ours { return [] }
        let (one, other) = (text(theirs), text(ours))
        if one == other { return [] }
        guard let first = try? JSON(parsing: one), let second = try? JSON(parsing: other) else {
            return ["the body is \(other), Java's \(one)"]
        }
        let isTable = MayDiffer.tables.contains(request.requestCode)
        return jsonDifferences(first, second, "body", isTable: isTable)
    }

    /// The text of a body, as if our broker were where Java's was. Keys that are objects, which no
    /// parser of JSON takes, become texts.
    private func text(_ body: [UInt8]) -> String {
        String(decoding: body, as: UTF8.self)
            .replacing("\"\(address)\"", with: "\"\(Self.theirAddress)\"")
            .replacing(/\{"brokerName":"([^"]*)","queueId":([0-9]+),"topic":"([^"]*)"\}:/) {
                "\"\($0.output.1) \($0.output.3) \($0.output.2)\":"
            }
    }

    private func jsonDifferences(
        _ theirs: JSON, _ ours: JSON, _ path: String, isTable: Bool
    ) -> [String] {
        if let one = theirs.object, let other = ours.object {
            let names = Set((isTable ? other : one).members.map(\.name))
            let all = isTable ? names : names.union(other.members.map(\.name))
            return all.sorted().flatMap { name -> [String] in
                guard let first = one[name], let second = other[name] else {
                    return ["\(path).\(name) is on one side only"]
                }
                if MayDiffer.rates.contains(name) {
                    return second.double == 0 ? [] : ["\(path).\(name)"]
                }
                if MayDiffer.times.contains(name) {
                    let (time, other) = ("\(first.int64 ?? -1)", "\(second.int64 ?? -1)")
                    return complaint(time: time, other).map { ["\(path).\(name): \($0)"] } ?? []
                }
                return jsonDifferences(first, second, "\(path).\(name)", isTable: isTable)
            }
        }
        return theirs == ours || isTable && theirs.string != nil && ours.string != nil
            ? [] : ["\(path) is \(ours), Java's \(theirs)"]
    }

    private mutating func recordDifferences(_ theirs: [UInt8], _ ours: [UInt8]) -> [String] {
        guard let one = try? StoredRecord.all(in: theirs),
            let other = try? StoredRecord.all(in: ours)
        else { return ["the body holds something else than records"] }
        guard one.count == other.count else {
            return ["\(other.count) records, Java has \(one.count)"]
        }
        var found: [String] = []
        for (theirs, ours) in zip(one, other) {
            found += differences(theirs, ours).map { "record \(theirs.fields.queueOffset): \($0)" }
        }
        return found
    }

    private mutating func differences(_ theirs: StoredRecord, _ ours: StoredRecord) -> [String] {
        var found: [String] = []
        func check<Value: Equatable>(_ what: String, _ theirs: Value, _ ours: Value) {
            if theirs != ours { found.append("\(what) \(ours), Java's \(theirs)") }
        }
        check("topic", theirs.topic, ours.topic)
        check("body", theirs.body, ours.body)
        var expected = theirs.properties
        if let id = expected["UNIQ_KEY"], let given = identities[id] {
            expected["UNIQ_KEY"] = given
        }
        check("properties", expected, ours.properties)
        check("size", theirs.byteCount, ours.byteCount)
        var (one, other) = (theirs.fields, ours.fields)
        if let complaint = complaint(place: one.physicalOffset, other.physicalOffset) {
            found.append(complaint)
        }
        if let complaint = complaint(time: "1", "\(other.storeTimestamp)") {
            found.append("stored at \(complaint)")
        }
        check("host", address, other.storeHost)
        check("born host", one.bornHost.addressText, other.bornHost.addressText)
        if let port = ports[one.bornHost.port] { check("born port", port, other.bornHost.port) }
        one.physicalOffset = 0
        other.physicalOffset = 0
        one.storeTimestamp = other.storeTimestamp
        one.storeHost = other.storeHost
        one.bornHost = other.bornHost
        check("fields", one, other)
        return found
    }
}
