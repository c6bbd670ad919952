// Which writer a store has: what its settings say or, where they do not, what its flush mode wants.

import ApusSystem

extension StoreConfiguration {
    /// How records get into the files.
    public var writerKind: WriterKind {
        commitLog.writer ?? .chosenByTests ?? (flush.mode == .sync ? .pageAligned : .mapped)
    }

    /// Whether blocks are prepared by writing zeros ahead.
    var zeroesAhead: Bool {
        writerKind == .pageAligned && commitLog.zeroesAhead ?? (flush.mode == .sync)
    }
}

extension WriterKind {
    #if DEBUG || APUS_MUTANTS
        /// Named by APUS_WRITER, for the tests that do not name one themselves. A name that is none
        /// would test something else than was meant.
        static let chosenByTests: WriterKind? = environmentValue("APUS_WRITER").map { name in
            guard let kind = WriterKind(rawValue: name) else {
                fatalError("APUS_WRITER is \(name); there are \(allCases.map(\.rawValue))")
            }
            return kind
        }
    #else
        static var chosenByTests: WriterKind? { nil }
    #endif
}
