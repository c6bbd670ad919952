// Findings, with a bound on how many of a kind are kept: damage can have millions of faces.

/// The findings of a verification.
package final class FindingList {
    /// Findings of one kind and severity that are kept; the others are counted.
    package static let limit = 200

    private struct Group: Hashable {
        let severity: Finding.Severity
        let kind: FindingKind
    }

    package private(set) var findings: [Finding] = []
    private var counts: [Group: Int64] = [:]

    package init() {}

    package func add(_ finding: Finding) {
        let group = Group(severity: finding.severity, kind: finding.kind)
        let count = counts[group, default: 0]
        counts[group] = count + 1
        if count < Int64(Self.limit) { findings.append(finding) }
    }

    /// Findings of a severity, those included that were only counted.
    package func count(_ severity: Finding.Severity) -> Int64 {
        counts.reduce(0) { $0 + ($1.key.severity == severity ? $1.value : 0) }
    }

    /// Findings that were only counted, by severity and kind.
    package var omitted: [(severity: Finding.Severity, kind: FindingKind, count: Int64)] {
        counts.filter { $0.value > Int64(Self.limit) }
            .map { ($0.key.severity, $0.key.kind, $0.value - Int64(Self.limit)) }
            .sorted {
                ($0.severity.rawValue, $0.kind.rawValue) < ($1.severity.rawValue, $1.kind.rawValue)
            }
    }
}
