// Values that are neither numbers nor texts as they stand.

import ApusServer
import ApusStore

/// How such values are read, and written again.
enum Forms {
    static func masterID(_ text: String) throws(ValueComplaint) -> Int64 {
        guard text == "0" else {
            throw ValueComplaint(
                "\(text) is a slave's or none: a master, as each broker here is, has 0")
        }
        return 0
    }

    static func permission(_ text: String) throws(ValueComplaint) -> Permission {
        Permission(rawValue: try ConfigurationKey.number(text, 0...7))
    }

    /// `host:port` of each, with semicolons between them.
    static func nameServers(_ text: String) throws(ValueComplaint) -> [String] {
        var servers: [String] = []
        for part in text.split(separator: ";") {
            let server = String(part).trimmed
            if server.isEmpty { continue }
            if let complaint = complaint(nameServer: server) { throw ValueComplaint(complaint) }
            if !servers.contains(server) { servers.append(server) }
        }
        return servers
    }

    /// Why the text is no `host:port`; nil when it is one.
    static func complaint(nameServer text: String) -> String? {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = Int(text[text.index(after: colon)...]), (1...65535).contains(port),
            !text.contains(where: { $0.isWhitespace || $0 == ";" })
        else { return "\(text) is no host:port" }
        return nil
    }

    /// RocketMQ takes no period for longer or shorter than these.
    static func period(_ text: String) throws(ValueComplaint) -> Int64 {
        min(max(try ConfigurationKey.number(text, 1...1 << 40), 10_000), 60_000)
    }

    static func directory(_ text: String) throws(ValueComplaint) -> String {
        var path = text
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if path.isEmpty { throw ValueComplaint("it is empty") }
        if path.utf8.contains(0) { throw ValueComplaint("no path holds a zero byte") }
        return path
    }

    /// A directory that may be left out.
    static func home(_ text: String) throws(ValueComplaint) -> String? {
        text.isEmpty ? nil : try directory(text)
    }

    static func optionalDirectory(_ text: String) throws(ValueComplaint) -> String? {
        if text.isEmpty { return nil }
        if text.contains(",") {
            throw ValueComplaint("\(text) names several directories: the CommitLog has one here")
        }
        return try directory(text)
    }

    /// Rounded up to whole entries of 20 bytes, as RocketMQ does it.
    static func queueByteCount(_ text: String) throws(ValueComplaint) -> Int {
        (try ConfigurationKey.number(text, 1...1 << 30) + 19) / 20 * 20
    }

    static func flushMode(_ text: String) throws(ValueComplaint) -> FlushSettings.Mode {
        switch text {
        case "ASYNC_FLUSH": return .async
        case "SYNC_FLUSH": return .sync
        default: throw ValueComplaint("\(text) is neither ASYNC_FLUSH nor SYNC_FLUSH")
        }
    }

    static func text(mode: FlushSettings.Mode) -> String {
        switch mode {
        case .async: "ASYNC_FLUSH"
        case .sync: "SYNC_FLUSH"
        }
    }

    static func writer(_ text: String) throws(ValueComplaint) -> WriterKind? {
        try ConfigurationKey.flag(text) ? .pageAligned : nil
    }

    /// Hours of the day, `04` or `04;16`.
    static func hours(_ text: String) throws(ValueComplaint) -> Set<Int> {
        var hours: Set<Int> = []
        for part in text.split(separator: ";") {
            hours.insert(try ConfigurationKey.number(String(part).trimmed, 0...23))
        }
        if hours.isEmpty { throw ValueComplaint("it names no hour") }
        return hours
    }

    static func text(hours: Set<Int>) -> String {
        hours.sorted().map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ";")
    }

    private static let units: [(letter: Character, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000),
    ]

    /// `1s 5m 2h 1d`: milliseconds of each level. 18 of them at most, one for each queue.
    static func levels(_ text: String) throws(ValueComplaint) -> [Int64] {
        var levels: [Int64] = []
        for part in text.split(separator: " ") {
            guard let unit = units.first(where: { $0.letter == part.last }),
                let count = Int64(part.dropLast()), (1...1_000_000).contains(count)
            else { throw ValueComplaint("\(part) is no number of s, m, h or d") }
            levels.append(count * unit.milliseconds)
        }
        guard (1...18).contains(levels.count) else {
            throw ValueComplaint("it names \(levels.count) levels, where there are 1 to 18")
        }
        return levels
    }

    static func text(levels: [Int64]) -> String {
        levels.map { milliseconds in
            let unit = units.first { milliseconds % $0.milliseconds == 0 }
            guard let unit else { return "\(milliseconds / 1_000)s" }
            return "\(milliseconds / unit.milliseconds)\(unit.letter)"
        }.joined(separator: " ")
    }
}
