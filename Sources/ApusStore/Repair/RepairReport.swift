// What a repair proposes or has done, in words: the steps, what no step mends, and what is lost.

/// What a caller may set.
package struct RepairOptions: Sendable {
    /// Bytes of a ConsumeQueue file; nil: as those that are there, else RocketMQ's default.
    package var queueFileByteCount: Int?
    /// Slots of an IndexFile; nil: as those that are there, else RocketMQ's default.
    package var indexSlots: Int32?
    /// Room for entries in an IndexFile; nil: as those that are there, else RocketMQ's default.
    package var indexEntries: Int32?
    /// Whether the log is to end before the first damage although records stand behind it, in a
    /// directory where no durable mark says what was acknowledged.
    package var cutsAtDamage = false
    /// Told the bytes looked at and those to look at, now and then.
    package var progress: (@Sendable (Int64, Int64) -> Void)?

    package init() {}

    var verification: VerificationOptions {
        VerificationOptions(indexSlots: indexSlots, progress: progress)
    }
}

/// One thing that a repair does.
package struct RepairStep: Hashable, Sendable {
    /// The raw values are part of what tools print: they do not change.
    package enum Kind: String, CaseIterable, Sendable {
        /// A CommitLog file gets its length again.
        case extendSegment = "extend-segment"
        /// The log ends before bytes that are no record, or are not to be followed.
        case cutLog = "cut-log"
        /// The entries of a queue are made again from the log.
        case rebuildQueue = "rebuild-queue"
        /// The index is made again from the log.
        case rebuildIndex = "rebuild-index"
        /// `checkpoint` is written anew.
        case rewriteCheckpoint = "rewrite-checkpoint"
        /// What an earlier repair left is taken away.
        case clearUnfinished = "clear-unfinished"
    }

    package let kind: Kind
    package let place: Finding.Place
    /// What is done, as a sentence.
    package let what: String
    /// What it means for those who read messages, as a sentence.
    package let consumers: String
}

/// The answer of a repair.
package struct RepairReport: Sendable {
    /// What is to be done or, when `isApplied`, was done, in its order.
    package internal(set) var steps: [RepairStep] = []
    package internal(set) var isApplied = false
    /// Findings that no step mends.
    package internal(set) var remaining: [Finding] = []
    /// Messages that the queues have and the log has not.
    package internal(set) var lost: [LostMessages] = []
    /// Copies of what was changed, below the root.
    package internal(set) var copies: [String] = []
    /// What a verification said before the first step.
    package internal(set) var before: VerificationReport
    /// What a verification says after the last step; nil when nothing was done.
    package internal(set) var after: VerificationReport?

    init(before: VerificationReport) { self.before = before }

    /// Whether anything is left that should not be.
    package var isSettled: Bool { remaining.isEmpty && (steps.isEmpty || isApplied) }
}
