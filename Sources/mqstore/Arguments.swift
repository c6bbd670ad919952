// Flags and operands of the command line. A flag that is not known is named, never passed over.

/// A command line that cannot be carried out.
struct UsageError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// The parsed arguments of one command.
struct Arguments {
    private var values: [String: String] = [:]
    private var switches: Set<String> = []
    /// What is not a flag or a flag's value.
    private(set) var operands: [String] = []

    /// Reads `arguments`. `valued` are the flags that take a value (`--flag value` or
    /// `--flag=value`), `plain` those that do not.
    init(_ arguments: some Sequence<String>, valued: Set<String>, plain: Set<String>) throws {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                operands.append(contentsOf: rest)
                return
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                operands.append(argument)
                continue
            }
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let flag = String(parts[0])
            if plain.contains(flag) {
                guard parts.count == 1 else { throw UsageError("\(flag) takes no value") }
                switches.insert(flag)
            } else if valued.contains(flag) {
                guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                    throw UsageError("\(flag) needs a value")
                }
                guard values.updateValue(value, forKey: flag) == nil else {
                    throw UsageError("\(flag) is given twice")
                }
            } else {
                throw UsageError("there is no flag \(flag)")
            }
        }
    }

    func has(_ flag: String) -> Bool { switches.contains(flag) }
    func text(_ flag: String) -> String? { values[flag] }

    /// The value of a flag as a number within bounds.
    func number(_ flag: String, _ bounds: ClosedRange<Int64> = 0...Int64.max) throws -> Int64? {
        guard let text = values[flag] else { return nil }
        guard let number = Int64(text), bounds.contains(number) else {
            throw UsageError("\(flag) needs a number from \(bounds.lowerBound) on, not \(text)")
        }
        return number
    }

    /// The one operand: the directory of a store.
    func directory() throws -> String {
        guard let first = operands.first else { throw UsageError("name the directory of a store") }
        guard operands.count == 1 else {
            throw UsageError("one directory at a time; what is \(operands[1])?")
        }
        guard !first.isEmpty else { throw UsageError("the directory's name is empty") }
        return first
    }
}
