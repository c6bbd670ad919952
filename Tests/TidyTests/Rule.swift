// The rules of the house as values: each reads the tree and answers what it found.

import Testing

/// One rule of the house.
struct Rule: Sendable, CustomTestStringConvertible {
    /// What holds when nothing is found.
    let name: String
    let check: @Sendable ([TextFile]) -> [Finding]

    var testDescription: String { name }

    /// A new rule is listed here, or nothing checks it.
    static let all: [Rule] = [
        .importFloors, .oneFileEachLibrary, .noTasksInTheStore, .unsafeFiles, .reasonsForExceptions,
        .fileLengths, .functionLengths, .lineWidths, .names, .headComments, .nothingLeftToDo,
        .noWorkplacePaths, .oneTitle, .linksResolve, .readmeExample, .settingsTable,
        .clientSettings,
    ]
}
