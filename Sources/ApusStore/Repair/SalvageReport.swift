// What a salvage took along, and how it changed.

/// The answer of a salvage.
package struct SalvageReport: Sendable {
    /// Records that moved by the same distance.
    package struct Move: Hashable, Sendable {
        /// Physical offsets in the old store.
        package internal(set) var old: Range<Int64>
        /// Where the first of them is now.
        package let newStart: Int64
    }

    /// A message that could not keep its queue offset.
    package struct Renumbered: Hashable, Sendable {
        package let topic: String
        package let queueID: Int32
        package let oldOffset: Int64
        package let newOffset: Int64
        /// Where it stood.
        package let oldPhysicalOffset: Int64
        /// Where it stands.
        package let newPhysicalOffset: Int64
    }

    /// Entries of the lists that are kept; beyond, they are counted only.
    static let limit = 10_000

    /// The new store.
    package let path: String
    package internal(set) var records: Int64 = 0
    package internal(set) var recordByteCount: Int64 = 0
    package internal(set) var moves: [Move] = []
    package internal(set) var renumbered: [Renumbered] = []
    package internal(set) var renumberedCount: Int64 = 0
    /// Stretches of the old log without records, and their bytes.
    package internal(set) var leftOut: [LogStretch] = []
    package internal(set) var leftOutByteCount: Int64 = 0
    /// Records that fit into no file.
    package internal(set) var tooLarge: Int64 = 0
    /// What a verification says of the new store.
    package internal(set) var verification: VerificationReport?

    init(path: String) { self.path = path }
}
