// Standard output for results, standard error for everything else.

import Foundation

/// Where a tool prints. Used by one thread.
package enum Console {
    /// The name that the tool was started by.
    package static let program =
        CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "?"

    /// Prints a line to standard output.
    package static func line(_ text: String = "") {
        try? FileHandle.standardOutput.write(contentsOf: Data("\(text)\n".utf8))
    }

    /// Prints a message to standard error.
    package static func warn(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("\(program): \(text)\n".utf8))
    }

    /// Prints a line to standard error that is no warning.
    package static func note(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8))
    }

    /// Says what is being done: on a terminal a line that is overwritten, else nothing.
    package static func progress(_ text: String) {
        guard isatty(2) == 1 else { return }
        try? FileHandle.standardError.write(contentsOf: Data("\r\(text)\u{1B}[K".utf8))
    }

    /// Removes the line of progress.
    package static func endProgress() { progress("") }
}
