// The names of RocketMQ's releases, which are numbered in their order.

/// A release as clients and brokers tell it.
package enum Release {
    /// `V5_3_3` for 479.
    package static func name(_ number: Int32) -> String {
        // Each release comes behind its snapshot, but for those of 3.0.0.
        let pair = Int(number)
        func text(_ number: (major: Int, minor: Int, patch: Int), isSnapshot: Bool) -> String {
            "V\(number.major)_\(number.minor)_\(number.patch)" + (isSnapshot ? "_SNAPSHOT" : "")
        }
        switch pair {
        case ..<0: return "UNKNOWN"
        case ..<16: return first[pair]
        case ..<46: return text((3, 0, (pair - 16) / 2 + 1), isSnapshot: pair % 2 == 0)
        case ..<86:
            let count = (pair - 46) / 2
            return text((3, 1 + count / 10, count % 10), isSnapshot: pair % 2 == 0)
        case ..<212:
            let count = (pair - 86) / 2
            return text((3, 3 + count / 9, 1 + count % 9), isSnapshot: pair % 2 == 0)
        case ..<612:
            let count = (pair - 212) / 2
            return text((4 + count / 100, count / 10 % 10, count % 10), isSnapshot: pair % 2 == 0)
        default: return "HIGHER_VERSION"
        }
    }

    private static let first = [
        "SNAPSHOT", "ALPHA1", "BETA1", "BETA2", "BETA3", "BETA4", "BETA5", "BETA6_SNAPSHOT",
        "BETA6", "BETA7_SNAPSHOT", "BETA7", "BETA8_SNAPSHOT", "BETA8", "BETA9_SNAPSHOT", "BETA9",
        "FINAL",
    ].map { "V3_0_0_\($0)" }
}
