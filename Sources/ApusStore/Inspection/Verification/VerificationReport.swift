// What a verification answers: its findings, how much it looked at, and how it judges the whole.

package import ApusSystem

/// The result of a verification.
package struct VerificationReport: Sendable {
    /// How much was looked at.
    package struct Totals: Hashable, Sendable {
        package var segments = 0
        package var logByteCount: Int64 = 0
        package var logStart: Int64 = 0
        package var logEnd: Int64 = 0
        package var records: Int64 = 0
        package var messages: Int64 = 0
        package var queues = 0
        package var queueEntries: Int64 = 0
        package var indexFiles = 0
        package var indexEntries: Int64 = 0

        package init() {}
    }

    /// What is to be concluded.
    package enum Verdict: String, Sendable {
        /// Nothing but notes.
        case sound
        /// Damage or inconsistencies.
        case findings
        /// Something could not be read for want of permission: the rest does not count.
        case incomplete
    }

    package let findings: [Finding]
    /// Findings that were counted only.
    package let omitted: [(severity: Finding.Severity, kind: FindingKind, count: Int64)]
    package let counts: [Finding.Severity: Int64]
    package let totals: Totals
    /// Whether the store was shut down cleanly: there is no `abort`.
    package let isClean: Bool
    package let isLocked: Bool
    /// What this process may not read.
    package let refused: [DiskError]

    package var verdict: Verdict {
        if !refused.isEmpty { return .incomplete }
        let bad = (counts[.damage] ?? 0) + (counts[.inconsistency] ?? 0)
        return bad == 0 ? .sound : .findings
    }
}
