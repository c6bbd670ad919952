// Sums of numbers that peers and records name, which may be as large as can be said.

extension FixedWidthInteger where Self: SignedInteger {
    /// The sum; where it cannot be said, the number that is nearest to it.
    package func saturatingAdd(_ other: Self) -> Self {
        let (sum, isOverflow) = addingReportingOverflow(other)
        return isOverflow ? (other < 0 ? .min : .max) : sum
    }

    /// The difference; where it cannot be said, the number that is nearest to it.
    package func saturatingSubtract(_ other: Self) -> Self {
        let (difference, isOverflow) = subtractingReportingOverflow(other)
        return isOverflow ? (other < 0 ? .max : .min) : difference
    }
}
