// Numbers as people read them.

import Foundation

/// Figures as text.
package enum Figure {
    /// `870 ns`, `1.23 us`, `45.1 ms`.
    package static func duration(_ nanoseconds: Int64) -> String {
        let value = Double(nanoseconds)
        switch value {
        case ..<1_000: return "\(nanoseconds) ns"
        case ..<1e6: return String(format: "%.3g us", value / 1e3)
        case ..<1e9: return String(format: "%.3g ms", value / 1e6)
        default: return String(format: "%.3g s", value / 1e9)
        }
    }

    /// `250`, `10k`, `2.5M`: for axes.
    package static func short(_ value: Double) -> String {
        switch value {
        case ..<1_000: String(format: "%.3g", value)
        case ..<1e6: String(format: "%.3gk", value / 1e3)
        default: String(format: "%.3gM", value / 1e6)
        }
    }

    /// Three digits and more, with a comma at each thousand.
    package static func rate(_ value: Double) -> String {
        guard value.isFinite, value < 1e15 else { return "-" }
        if value < 100 { return String(format: "%.3g", value) }
        var digits = String(Int64(value.rounded()))
        var grouped = ""
        while digits.count > 3 {
            grouped = "," + digits.suffix(3) + grouped
            digits.removeLast(3)
        }
        return digits + grouped
    }
}
