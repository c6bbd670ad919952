// Flags of the command line. A flag that is not known is named, never passed over.

/// A command line that cannot be carried out.
package struct UsageError: Error {
    package let message: String
    package init(_ message: String) { self.message = message }
}

/// One flag: its name, what its value is, and what it means.
package struct Flag: Sendable {
    package let name: String
    /// What the value is called in the help; nil for a flag without one.
    package let value: String?
    /// Empty for a flag that the help does not show.
    package let meaning: String

    package init(_ name: String, _ value: String? = nil, _ meaning: String) {
        self.name = name
        self.value = value
        self.meaning = meaning
    }
}

/// The flags that were given.
package struct Options: Sendable {
    private var values: [String: String] = [:]
    private var switches: Set<String> = []
    /// The words that are no flags, in order.
    package private(set) var arguments: [String] = []

    package init() {}

    /// Reads `words`: `--flag value`, `--flag=value` or `--flag`, and besides them at most
    /// `argumentLimit` words that do not begin with a dash.
    package init(
        _ words: some Sequence<String>, allowed: [Flag], arguments argumentLimit: Int = 0
    ) throws {
        var rest = Array(words)[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts.first ?? "")
            if !name.hasPrefix("-"), arguments.count < argumentLimit {
                arguments.append(word)
                continue
            }
            guard let flag = allowed.first(where: { $0.name == name }) else {
                throw UsageError(
                    name.hasPrefix("-") ? "there is no flag \(name)" : "what is \(name)?")
            }
            if flag.value == nil {
                guard parts.count == 1 else { throw UsageError("\(name) takes no value") }
                switches.insert(name)
                continue
            }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                throw UsageError("\(name) needs a value")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw UsageError("\(name) is given twice")
            }
        }
    }

    package func has(_ name: String) -> Bool { switches.contains(name) }
    package func text(_ name: String) -> String? { values[name] }
    package mutating func set(_ name: String, _ value: String) { values[name] = value }
    package mutating func set(_ name: String) { switches.insert(name) }

    /// The value of a flag as a whole number within bounds; `k`, `m` and `g` behind it stand for
    /// 1024 and its powers.
    package func number(_ name: String, _ otherwise: Int, in bounds: ClosedRange<Int>) throws -> Int
    {
        guard let text = values[name] else { return otherwise }
        return try Self.number(name, text, in: bounds)
    }

    /// The value of a flag as whole numbers with commas between them, each once, in order.
    package func numbers(
        _ name: String, _ otherwise: [Int], in bounds: ClosedRange<Int>
    ) throws -> [Int] {
        guard let text = values[name] else { return otherwise }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        return try Set(parts.map { try Self.number(name, String($0), in: bounds) }).sorted()
    }

    private static func number(
        _ name: String, _ text: String, in bounds: ClosedRange<Int>
    ) throws -> Int {
        let shifts: [Character: Int] = ["k": 10, "m": 20, "g": 30]
        let shift = text.last.flatMap { shifts[$0] } ?? 0
        let digits = shift > 0 ? String(text.dropLast()) : text
        guard let number = Int(digits), number < 1 << 32, number >= 0,
            bounds.contains(number << shift)
        else {
            throw UsageError(
                "\(name) needs a number from \(bounds.lowerBound) to \(bounds.upperBound), not"
                    + " \(text)")
        }
        return number << shift
    }

    /// The value of a flag as seconds or another measure, greater than 0.
    package func decimal(_ name: String, _ otherwise: Double, upTo limit: Double) throws -> Double {
        guard let text = values[name] else { return otherwise }
        guard let number = Double(text), number > 0, number <= limit else {
            throw UsageError("\(name) needs a number above 0 and up to \(limit), not \(text)")
        }
        return number
    }

    /// The value of a flag, some of `all` with commas between them; all when it is not given.
    package func choices(_ name: String, _ all: [String]) throws -> [String] {
        guard let text = values[name] else { return all }
        return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard all.contains(String(part)) else {
                throw UsageError("\(name) is of \(all.joined(separator: ", ")), not \(part)")
            }
            return String(part)
        }
    }

    /// The value of a flag, one of `choices`; the first one when it is not given.
    package func choice(_ name: String, _ choices: [String]) throws -> String {
        guard let text = values[name] else { return choices[0] }
        guard choices.contains(text) else {
            throw UsageError(
                "\(name) is one of \(choices.joined(separator: ", ")), not \(text)")
        }
        return text
    }
}
