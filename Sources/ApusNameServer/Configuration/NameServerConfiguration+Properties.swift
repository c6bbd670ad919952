// A configuration out of RocketMQ's properties, and back.

import ApusRemoting
import ApusServer

extension NameServerConfiguration {
    /// Takes the values of a `namesrv.properties`, which was read from `file`. Answers a warning
    /// for each key that RocketMQ does not know either; refuses values that are none, features that
    /// are not here, and settings that contradict each other.
    public mutating func apply(
        properties text: [UInt8], from file: String? = nil
    ) throws(ConfigurationError) -> [String] {
        var problems: [String] = []
        var warnings: [String] = []
        var seen: [String: String] = [:]
        let entries: [JavaProperties.Entry]
        do throws(JavaPropertiesError) {
            entries = try JavaProperties(parsing: text).entries
        } catch {
            throw ConfigurationError(problems: ["\(error)"])
        }
        for entry in entries {
            if let earlier = seen.updateValue(entry.value, forKey: entry.key),
                earlier != entry.value
            {
                problems.append(
                    "\(entry.key) is \(earlier) and, on line \(entry.line), \(entry.value):"
                        + " leave one of them out")
                continue
            }
            guard let key = ConfigurationKey.named(entry.key) else {
                warnings.append(
                    "\(entry.key) on line \(entry.line) is no setting of a NameServer: ignored")
                continue
            }
            if let problem = set(key, to: entry.value) { problems.append(problem) }
        }
        // Where the file is, whatever it says itself.
        if let file { unused["configStorePath"] = file }
        if let path = keyValuePath, path == unused["configStorePath"] {
            problems.append(
                "kvConfigPath and configStorePath are both \(path): each needs a file of its own")
        }
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
        try check()
        return warnings
    }

    /// Answers what is wrong with the value; nil when it was set.
    private mutating func set(_ key: ConfigurationKey, to value: String) -> String? {
        let trimmed = value.trimmed
        func complaint(_ wanted: String) -> String { "\(key.name)=\(value): \(wanted)" }
        switch key.handling {
        case .flag(let path):
            guard let flag = Self.flag(trimmed) else { return complaint("true or false") }
            self[keyPath: path] = flag
        case .count(let path):
            guard let count = Int(trimmed) else { return complaint("a whole number") }
            self[keyPath: path] = count
        case .span(let path):
            guard let span = Int64(trimmed) else { return complaint("a whole number") }
            self[keyPath: path] = span
        case .text(let path): self[keyPath: path] = trimmed
        case .path(let path): self[keyPath: path] = trimmed
        case .tls(let key):
            if let reason = key.set(trimmed, in: &tls) { return complaint(reason) }
        case .unused: unused[key.name] = trimmed
        case .refused(let reason):
            guard let flag = Self.flag(trimmed) else { return complaint("true or false") }
            if flag { return complaint("\(reason); take the key out or set it to false") }
        }
        return nil
    }

    private static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    /// Every key with its value, in RocketMQ's order: what `mqnamesrv -p` prints.
    public var items: [(key: String, value: String)] {
        ConfigurationKey.all.map { key in
            switch key.handling {
            case .flag(let path): (key.name, String(self[keyPath: path]))
            case .count(let path): (key.name, String(self[keyPath: path]))
            case .span(let path): (key.name, String(self[keyPath: path]))
            case .text(let path): (key.name, self[keyPath: path])
            case .path(let path): (key.name, self[keyPath: path] ?? "")
            case .tls(let tlsKey): (key.name, tlsKey.value(in: tls))
            case .unused(let standard): (key.name, unused[key.name] ?? standard)
            case .refused: (key.name, "false")
            }
        }
    }

    /// The same as `GET_NAMESRV_CONFIG` answers it: one `key=value` a line, sorted.
    var propertiesText: String {
        items.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
    }
}
