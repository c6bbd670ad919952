// What a key of a `broker.conf` does here: sets something, asks for something that this broker does
// not have, or says something that makes no difference to it.

import ApusRemoting

/// A key that RocketMQ's broker knows.
public struct ConfigurationKey: Sendable {
    enum Handling: Sendable {
        /// Sets something, and can say what it is.
        case honoured(
            set: @Sendable (inout BrokerConfiguration, String) throws(ValueComplaint) -> Void,
            get: @Sendable (BrokerConfiguration) -> String)
        /// Only these values are taken; others ask for what is not there.
        case only(Set<String>, because: String)
        /// Any value is taken; it makes no difference.
        case noEffect(because: String)
    }

    public let name: String
    let handling: Handling

    /// Why a value is refused or makes no difference; nil where it sets something.
    public var reason: String? {
        switch handling {
        case .honoured: nil
        case .only(_, let reason), .noEffect(let reason): reason
        }
    }
}

/// Why a value is none for its key.
struct ValueComplaint: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

extension ConfigurationKey {
    public static let all: [ConfigurationKey] = honoured + tls + limited + idle

    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}

// MARK: - The kinds of values

extension ConfigurationKey {
    typealias Path<Value> = any WritableKeyPath<BrokerConfiguration, Value> & Sendable

    private static func honoured<Value>(
        _ name: String, _ path: Path<Value>,
        _ parse: @escaping @Sendable (String) throws(ValueComplaint) -> Value,
        _ show: @escaping @Sendable (Value) -> String
    ) -> ConfigurationKey {
        ConfigurationKey(
            name: name,
            handling: .honoured(
                set: { (configuration, text) throws(ValueComplaint) in
                    configuration[keyPath: path] = try parse(text)
                },
                get: { show($0[keyPath: path]) }))
    }

    static func number<Value: FixedWidthInteger & Sendable>(
        _ name: String, _ path: Path<Value>, _ range: ClosedRange<Value>
    ) -> ConfigurationKey {
        honoured(
            name, path,
            { (text) throws(ValueComplaint) in try Self.number(text, range) }, { "\($0)" })
    }

    static func number<Value: FixedWidthInteger & Sendable>(
        _ text: String, _ range: ClosedRange<Value>
    ) throws(ValueComplaint) -> Value {
        guard let value = Value(text), range.contains(value) else {
            throw ValueComplaint(
                "\(text) is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A share in per cent; what lies beyond the range becomes its nearest end, as with RocketMQ.
    static func percent(
        _ name: String, _ path: Path<Double>, _ range: ClosedRange<Int>
    ) -> ConfigurationKey {
        honoured(
            name, path,
            { (text) throws(ValueComplaint) in
                let value = try Self.number(text, 0...100)
                return Double(min(max(value, range.lowerBound), range.upperBound))
            }, { "\(Int($0))" })
    }

    static func flag(_ name: String, _ path: Path<Bool>) -> ConfigurationKey {
        honoured(name, path, { (text) throws(ValueComplaint) in try Self.flag(text) }, { "\($0)" })
    }

    static func flag(_ text: String) throws(ValueComplaint) -> Bool {
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw ValueComplaint("\(text) is neither true nor false")
        }
    }

    static func text(_ name: String, _ path: Path<String>) -> ConfigurationKey {
        honoured(
            name, path,
            { (text) throws(ValueComplaint) in
                if text.isEmpty { throw ValueComplaint("it is empty") }
                return text
            }, { $0 })
    }

    /// A text that may be left out or empty.
    static func optional(_ name: String, _ path: Path<String?>) -> ConfigurationKey {
        honoured(
            name, path, { (text) throws(ValueComplaint) in text.isEmpty ? nil : text }, { $0 ?? "" }
        )
    }

    /// A value with a form of its own.
    static func other<Value>(
        _ name: String, _ path: Path<Value>,
        _ parse: @escaping @Sendable (String) throws(ValueComplaint) -> Value,
        _ show: @escaping @Sendable (Value) -> String
    ) -> ConfigurationKey { honoured(name, path, parse, show) }

    /// Those about TLS, which NameServers have too.
    static let tls: [ConfigurationKey] = TLSKey.all.map { key in
        ConfigurationKey(
            name: key.name,
            handling: .honoured(
                set: { (configuration, text) throws(ValueComplaint) in
                    if let reason = key.set(text, in: &configuration.tls) {
                        throw ValueComplaint(reason)
                    }
                }, get: { key.value(in: $0.tls) }))
    }

    /// Keys as `name=value` or `name=value|other value`, with blanks or line ends between them.
    static func only(because reason: String, _ keys: String) -> [ConfigurationKey] {
        keys.split { $0 == " " || $0 == "\n" }.map { key in
            let parts = key.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let values = parts[1].split(separator: "|", omittingEmptySubsequences: false)
            return ConfigurationKey(
                name: String(parts[0]),
                handling: .only(Set(values.map(String.init)), because: reason))
        }
    }

    /// Names with blanks or line ends between them.
    static func noEffect(because reason: String, _ names: String) -> [ConfigurationKey] {
        names.split { $0 == " " || $0 == "\n" }.map {
            ConfigurationKey(name: String($0), handling: .noEffect(because: reason))
        }
    }
}
