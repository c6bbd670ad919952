// What help texts of the tools have in common. Lines have at most 80 columns.

extension Flag {
    /// One line for each flag that the help shows.
    package static func text(of flags: [Flag]) -> String {
        flags.filter { !$0.meaning.isEmpty }.map { flag in
            let name = flag.value.map { "\(flag.name) \($0)" } ?? flag.name
            return "  \(name.padded(to: 18)) \(flag.meaning)"
        }.joined(separator: "\n")
    }
}

extension String {
    /// With spaces behind it, up to `width` characters.
    package func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
