// What a command is, and what one that runs has at hand.

import ApusFormat
import ApusRemoting
import Synchronization

/// A command of `mqadmin`.
protocol Command: Sendable {
    /// As RocketMQ names it.
    static var name: String { get }
    /// One line.
    static var summary: String { get }
    /// Its own flags, besides those that every command has.
    static var flags: [Flag] { get }
    /// Command lines without `mqadmin`, for help.
    static var examples: [String] { get }
    /// Does it. What fails in part is counted in `call.tally`.
    static func run(_ call: Call) async throws
}

extension Command {
    static var allFlags: [Flag] { flags + Flag.common }
}

/// A command that runs.
struct Call: Sendable {
    let arguments: Arguments
    let admin: Admin
    let output: Output
    let isJSON: Bool
    let tally: Tally

    /// Prints a line. What stands in it, of servers or in messages, makes no lines of its own.
    func line(_ text: String = "") { output.print(Printable.text(text) + "\n") }

    /// Prints a value of JSON on a line, or on several.
    func print(_ value: JSON, _ dialect: JSONDialect = .standard) {
        output.print(Printable.json(String(decoding: value.bytes(dialect), as: UTF8.self)) + "\n")
    }

    func complain(_ text: String) { output.complain("mqadmin: \(Printable.text(text))\n") }

    /// Says that a part of what is asked for was not done, and why: the command ends so.
    func fail(_ text: String) {
        complain(text)
        tally.fail()
    }

    func fail(_ error: AdminError) { fail("\(error)") }

    /// Does a part of what is asked for. When that fails it says so, and the command goes on, to
    /// end as one that was not done.
    func attempt<Value>(_ part: () async throws -> Value) async throws -> Value? {
        do { return try await part() } catch let error as AdminError {
            fail(error)
            return nil
        }
    }
}

/// Counts the parts that failed.
final class Tally: Sendable {
    private let count = Mutex(0)
    var failures: Int { count.withLock { $0 } }
    func fail() { count.withLock { $0 += 1 } }
}

/// Where a command prints.
struct Output: Sendable {
    /// To standard output, as it is.
    let print: @Sendable (String) -> Void
    /// To standard error.
    let complain: @Sendable (String) -> Void
}
