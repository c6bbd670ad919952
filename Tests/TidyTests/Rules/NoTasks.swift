// The engine never suspends: a caller's thread runs an append from its start to its end.

extension Rule {
    /// Only the overlay for callers who use tasks knows of them.
    static let noTasksInTheStore = Rule(name: "the store knows no tasks outside its async overlay")
    {
        $0.flatMap { file in
            guard file.target == "ApusStore", overlays[file.path] == nil else { return [Finding]() }
            let tokens = file.tokens
            return tokens.indices.compactMap { index in
                let word = tokens[index].text
                guard suspending.contains(String(word)), !isCase(tokens, at: index) else {
                    return nil
                }
                return Finding(
                    file.path, tokens[index].line, "`\(word)` in the engine",
                    advice: "Take a completion here and suspend in MessageStore+Async.swift")
            }
        }
    }

    /// ASYNC_FLUSH is a case of a setting: `case async`, `.async`.
    private static func isCase(_ tokens: [Token], at index: Int) -> Bool {
        index > 0 && tokens[index].text == "async"
            && [".", "case"].contains(tokens[index - 1].text)
    }

    private static let suspending: Set = [
        "async", "await", "actor", "Task", "TaskGroup", "AsyncSequence", "AsyncStream",
        "AsyncThrowingStream", "withCheckedContinuation", "withCheckedThrowingContinuation",
        "withUnsafeContinuation", "withUnsafeThrowingContinuation",
    ]

    /// The files that may, and why.
    private static let overlays: [String: String] = [
        "Sources/ApusStore/MessageStore+Async.swift": "the overlay itself"
    ]
}
