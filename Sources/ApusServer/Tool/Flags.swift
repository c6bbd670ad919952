// A command line as RocketMQ's tools take it (commons-cli): long names behind one dash or two, and
// values as the next word or behind `=`.

/// A command line that cannot be followed.
package struct BadCommandLine: Error, Hashable, Sendable {
    package let reason: String
}

/// Goes from flag to flag.
package struct Flags {
    private var rest: ArraySlice<String>
    /// The current flag as it was written.
    private var written: Substring = ""
    /// Its value behind `=`, as long as nobody has taken it.
    private var attached: String?

    package init(_ words: [String]) { rest = words[...] }

    /// The name of the next flag, without dashes; nil at the end. Fails at a word that is no flag,
    /// and where the flag before has a value that nobody took.
    package mutating func next() throws(BadCommandLine) -> String? {
        if attached != nil { throw BadCommandLine(reason: "\(written) takes no value") }
        guard let word = rest.popFirst() else { return nil }
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts[0].drop { $0 == "-" }
        guard word.hasPrefix("-"), !name.isEmpty else {
            throw BadCommandLine(reason: "\(word) is no flag")
        }
        written = parts[0]
        attached = parts.count > 1 ? String(parts[1]) : nil
        return String(name)
    }

    /// The value of the current flag. Fails where there is none or an empty one.
    package mutating func value() throws(BadCommandLine) -> String {
        defer { attached = nil }
        guard let value = attached ?? rest.popFirst(), !value.isEmpty else {
            throw BadCommandLine(reason: "\(written) wants a value")
        }
        return value
    }

    /// What to throw for a current flag that the tool does not have.
    package var unknown: BadCommandLine { BadCommandLine(reason: "there is no flag \(written)") }
}
