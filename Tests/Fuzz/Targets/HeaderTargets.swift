// Headers of both kinds, held against plain decoders.

import ApusFormat
import ApusRemoting

/// The header alone, as the fuzzer makes it up.
private func decode(_ header: [UInt8], _ serialization: UInt8) -> RemotingCommand? {
    guard header.count < 1 << 20 else { return nil }
    var frame: [UInt8] = []
    for value in [UInt32(header.count + 4), UInt32(serialization) << 24 | UInt32(header.count)] {
        for shift: UInt32 in [24, 16, 8, 0] {
            frame.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
    return try? RemotingCommand(decoding: (frame + header).rawSpan)
}

enum JSONHeaderTarget {
    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        let command = decode(input, 0)
        if let command { try FrameTarget.roundTrip(command) }
        // What is a document, and plain, is a header as well, and says the same.
        guard let document = try? JSON(parsing: input.rawSpan), let header = document.object,
            isPlain(header)
        else { return }
        guard let command else { throw FuzzFinding("a plain document is refused as a header") }
        if let code = header["code"]?.int32, command.isResponse {
            try expectEqual(command.code, code, "the code of a header")
        }
        try expectEqual(command.opaque, header["opaque"]?.int32 ?? 0, "the number of a header")
        try expectEqual(command.remark, header["remark"]?.string, "the remark of a header")
        let fields = header["extFields"]?.object?.members ?? []
        try expectEqual(
            command.fields.all.map(\.name), fields.filter { $0.value != .null }.map(\.name),
            "the names of a header's fields")
        for field in fields where field.value != .null {
            try expectEqual(
                command.fields[field.name], field.value.string, "the value of \(field.name)")
        }
    }

    /// Whether numbers are numbers, names stand once and are short, and values are texts or truth
    /// values: what both ways take the same way.
    private static func isPlain(_ header: JSONObject) -> Bool {
        let numbers = ["code", "flag", "opaque", "version"]
        let known = numbers + ["remark", "language", "extFields"]
        guard header.members.allSatisfy({ known.contains($0.name) }),
            Set(header.members.map(\.name)).count == header.count
        else { return false }
        for name in numbers {
            guard let value = header[name] else { continue }
            guard case .integer(let number) = value, Int32(exactly: number) != nil else {
                return false
            }
        }
        guard isText(header["remark"] ?? .null), isText(header["language"] ?? .null) else {
            return false
        }
        guard let fields = header["extFields"] else { return true }
        guard let members = fields.object?.members, members.count <= 128 else { return false }
        return Set(members.map(\.name)).count == members.count
            && members.allSatisfy {
                $0.name.utf8.count <= 80 && !$0.name.contains("\u{FFFD}") && isText($0.value)
            }
    }

    private static func isText(_ value: JSON) -> Bool {
        switch value {
        case .string(let text): text.utf8.count < 60_000
        case .bool, .null: true
        case .integer, .double, .array, .object: false
        }
    }
}

enum JSONTarget {
    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        guard let value = try? JSON(parsing: input.rawSpan) else { return }
        for dialect in [JSONDialect.standard, .fastjson, .fastjsonPretty] {
            let written = value.bytes(dialect)
            do throws(JSONError) {
                let read = try JSON(parsing: written.rawSpan)
                if read != value { throw JSONError(.unexpectedByte, at: -1) }
            } catch {
                throw FuzzFinding(
                    "a value does not survive: \(String(decoding: written, as: UTF8.self)) \(error)"
                )
            }
        }
    }
}

enum BinaryHeaderTarget {
    /// A decoder without spans, slots or limits.
    private struct Naive {
        var code: Int64 = 0
        var opaque: Int64 = 0
        var remark: [UInt8] = []
        var fields: [(name: [UInt8], value: [UInt8])] = []

        init?(_ header: [UInt8]) {
            guard header.count >= 17 else { return nil }
            code = header.number(at: 0, count: 2)
            opaque = header.number(at: 5, count: 4)
            var rest = header[13...]
            guard let remark = Self.text(&rest, 4) else { return nil }
            self.remark = remark
            if rest.isEmpty { return }
            guard var fields = Self.text(&rest, 4)?[...], rest.isEmpty else { return nil }
            while !fields.isEmpty {
                guard let name = Self.text(&fields, 2), let value = Self.text(&fields, 4) else {
                    return nil
                }
                if !name.isEmpty && !value.isEmpty { self.fields.append((name, value)) }
            }
        }

        /// Without what stands there a second time.
        var distinct: [(name: [UInt8], value: [UInt8])] {
            var seen = Set<[[UInt8]]>()
            return fields.filter { seen.insert([$0.name, $0.value]).inserted }
        }

        private static func text(_ rest: inout ArraySlice<UInt8>, _ width: Int) -> [UInt8]? {
            guard rest.count >= width else { return nil }
            let count = Int(max(0, Array(rest.prefix(width)).number(at: 0, count: width)))
            rest = rest.dropFirst(width)
            guard rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
    }

    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        let command = decode(input, 1)
        if let command { try FrameTarget.roundTrip(command) }
        guard let naive = Naive(input) else {
            return try expect(command == nil, "a binary header is taken that is none")
        }
        let isWithinBounds =
            input.count <= 100_000 && naive.fields.count <= 128
            && naive.fields.allSatisfy { $0.name.count <= 256 }
            && Set(naive.fields.map(\.name)).count == naive.distinct.count
        guard let command else {
            return try expect(!isWithinBounds, "a binary header is refused that is one")
        }
        if command.isResponse { try expectEqual(Int64(command.code), naive.code, "the code") }
        try expectEqual(Int64(command.opaque), naive.opaque, "the number")
        try expectEqual(
            command.remark ?? "", String(decoding: naive.remark, as: UTF8.self), "the remark")
        try expectEqual(
            command.fields.all.map { [$0.name, $0.value] },
            naive.distinct.map {
                [
                    String(decoding: $0.name, as: UTF8.self),
                    String(decoding: $0.value, as: UTF8.self),
                ]
            }, "the fields")
    }
}
