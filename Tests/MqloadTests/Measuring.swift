// What the tests of `mqload` share.

import Bench
import TestSupport
import Testing

@testable import mqload

/// One command with its flags, for a moment.
func measure(_ words: String, in directory: TemporaryDirectory) async throws -> RunResult {
    let all = words.split(separator: " ").map(String.init)
    let command = try #require(LoadCommand.all.first { $0.name == all[0] })
    let options = try Options(
        all.dropFirst() + ["--smoke", "--directory", directory.path],
        allowed: command.flags + Flag.common)
    return try await command.measure(options)
}

/// A count of a result; -1 where it has none of that name.
func count(_ name: String, _ result: RunResult) -> Int {
    guard case .integer(let value)? = result.more.first(where: { $0.0 == name })?.1 else {
        return -1
    }
    return Int(value)
}
