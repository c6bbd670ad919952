// Standard output for results, standard error for everything else.

import Foundation

/// Where `mqbench` prints. Used by one thread.
enum Console {
    /// Prints a line to standard output.
    static func line(_ text: String = "") {
        try? FileHandle.standardOutput.write(contentsOf: Data("\(text)\n".utf8))
    }

    /// Prints a message to standard error.
    static func warn(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("mqbench: \(text)\n".utf8))
    }

    /// Prints a line to standard error that is no warning.
    static func note(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8))
    }

    /// Says what is being done: on a terminal a line that is overwritten, else nothing.
    static func progress(_ text: String) {
        guard isatty(2) == 1 else { return }
        try? FileHandle.standardError.write(contentsOf: Data("\r\(text)\u{1B}[K".utf8))
    }

    /// Removes the line of progress.
    static func endProgress() { progress("") }
}
