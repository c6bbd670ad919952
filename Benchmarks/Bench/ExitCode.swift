// How a run ends, for scripts and for people.

/// What a tool tells a script.
package enum ExitCode: Int32 {
    /// Measured, and the result of each measured run was right.
    case good = 0
    /// A check of a result failed, or it could not be measured.
    case failed = 1
    /// Measured, and something that was asked was refused or not answered: only `mqload` asks.
    case refused = 2
    /// The command line could not be understood (EX_USAGE).
    case usage = 64
}

/// A run that cannot go on; the description says why.
package struct BenchError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
