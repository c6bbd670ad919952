// `crash-writer`: the process that the crash runners kill, and the one that checks what is left.
//
// Ends with 0 when all is well, 1 when a promise was broken (the first line says which), 2 when the
// tool could not do its part, 3 when the store refused to go on after a failed sync.

import Glibc

private func say(_ text: String) {
    let bytes = Array("\(text)\n".utf8)
    _ = write(2, bytes, bytes.count)
}

private func check(_ plan: Plan) throws -> Int32 {
    var checker = try Checker(plan)
    checker.run()
    let violations = checker.violations
    guard violations.isEmpty else {
        say("violations: \(violations.count), seed \(plan.seed), run \(plan.run)")
        for violation in violations.prefix(12) { say("  \(violation)") }
        return 1
    }
    print(
        "\(checker.messageCount) messages, \(checker.ledger.acknowledgedCount) acknowledged since "
            + "the last recovery, \(checker.ledger.dueCount) of them due")
    return 0
}

do {
    let plan = try Plan(Array(CommandLine.arguments.dropFirst()))
    switch plan.command {
    case .write: exit(try Writer(plan).run())
    case .check: exit(try check(plan))
    }
} catch let unusable as Unusable {
    say("crash-writer: \(unusable.message)")
    exit(2)
} catch {
    say("crash-writer: \(error)")
    exit(2)
}
