// The words behind a command, as commons-cli reads them: long names behind one dash or two, values
// as the next word, behind `=`, or right behind a letter (`-tOrders`).

import ApusServer

/// A command line that cannot be followed.
struct UsageError: Error, Hashable, Sendable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// The flags that were given, by their long names.
struct Arguments: Sendable, Equatable {
    private var values: [String: String] = [:]

    init(_ words: [String], _ flags: [Flag]) throws(UsageError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            let (flag, attached) = try Self.flag(word, flags)
            var value = ""
            if let kind = flag.value {
                guard let found = attached ?? Self.value(&rest) else {
                    throw UsageError("\(flag.written) (--\(flag.long)) wants a value, \(kind)")
                }
                // RocketMQ trims each, too.
                value = found.trimmed
                if value.isEmpty {
                    throw UsageError("\(flag.written) (--\(flag.long)) wants a value, \(kind)")
                }
            } else if attached != nil {
                throw UsageError("\(flag.written) (--\(flag.long)) takes no value")
            }
            guard values.updateValue(value, forKey: flag.long) == nil else {
                throw UsageError("\(flag.written) (--\(flag.long)) is given twice")
            }
        }
        if has("help") { return }
        let missing = flags.filter { $0.isRequired && !has($0.long) }
        if !missing.isEmpty {
            let names = missing.map { "\($0.written) (--\($0.long))" }
            throw UsageError("\(names.joined(separator: " and ")) must be given")
        }
    }

    /// The flag that a word is, and the value in the same word.
    private static func flag(
        _ word: String, _ flags: [Flag]
    ) throws(UsageError) -> (Flag, attached: String?) {
        let name = word.drop { $0 == "-" }
        let dashes = word.count - name.count
        guard 1...2 ~= dashes, let letter = name.first else { throw UsageError("what is \(word)?") }
        let parts = name.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let attached = parts.count > 1 ? String(parts[1]) : nil
        if let flag = flags.first(where: { $0.long == parts[0] }) { return (flag, attached) }
        if dashes == 1, let flag = flags.first(where: { $0.short == letter }) {
            if parts[0].count == 1 { return (flag, attached) }
            if flag.value != nil { return (flag, String(name.dropFirst())) }
        }
        throw UsageError("there is no flag \(word)")
    }

    /// The next word, unless it is a flag. A negative number is none.
    private static func value(_ rest: inout ArraySlice<String>) -> String? {
        guard let word = rest.first, !word.hasPrefix("-") || Int64(word) != nil else { return nil }
        return rest.popFirst()
    }

    // MARK: Reading

    func has(_ flag: String) -> Bool { values[flag] != nil }

    subscript(flag: String) -> String? { values[flag] }

    /// The value of a flag that must be given, and so was.
    func text(_ flag: String) throws(UsageError) -> String {
        guard let value = values[flag] else { throw UsageError("--\(flag) must be given") }
        return value
    }

    /// The value as a number within bounds.
    func number<Number: FixedWidthInteger & Sendable>(
        _ flag: String, _ bounds: ClosedRange<Number> = .min ... .max
    ) throws(UsageError) -> Number? {
        guard let text = values[flag] else { return nil }
        guard let number = Number(text), bounds.contains(number) else {
            throw UsageError(
                "--\(flag) is a number from \(bounds.lowerBound) to \(bounds.upperBound),"
                    + " not \(text)")
        }
        return number
    }

    /// The value as true or false, in any case.
    func truth(_ flag: String) throws(UsageError) -> Bool? {
        switch values[flag]?.lowercased() {
        case nil: return nil
        case "true": return true
        case "false": return false
        default: throw UsageError("--\(flag) is true or false, not \(values[flag] ?? "")")
        }
    }

    /// Which brokers are meant: that at an address, or those of a cluster.
    func target(
        address: String = "brokerAddr", cluster: String = "clusterName"
    ) throws(UsageError) -> Target {
        switch (values[address], values[cluster]) {
        case (let address?, nil): return .broker(address)
        case (nil, let cluster?): return .cluster(cluster)
        case (nil, nil): throw UsageError("-b (--\(address)) or -c (--\(cluster)) must be given")
        default: throw UsageError("-b (--\(address)) and -c (--\(cluster)) exclude each other")
        }
    }
}

/// The brokers that a command is about.
enum Target: Hashable, Sendable {
    case broker(String)
    case cluster(String)
}
