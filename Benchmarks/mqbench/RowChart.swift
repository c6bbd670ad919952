// A chart with a row for each setting and a few panels beside each other, each with an axis of its
// own: which setting is good at what is read along a row.

import Foundation

/// Dots in rows.
struct RowChart {
    /// One figure of a row, or a stretch of them with a dot in it.
    struct Mark {
        var series = 0
        let value: Double
        var range: ClosedRange<Double>?
        /// Stands beside the dot; empty for nothing.
        var label = ""
    }

    struct Panel {
        let title: String
        let scale: Chart.Scale
        /// What the axis says at a value.
        let text: (Double) -> String
        /// The marks of each row.
        let rows: [[Mark]]
    }

    let title: String
    let subtitle: String
    let rows: [String]
    let panels: [Panel]
    /// Names of the colours; none when there is one.
    let series: [String]

    private static let width = 1080.0
    private static let left = 284.0
    private static let right = 1050.0
    private static let top = 118.0
    private static let rowHeight = 26.0
    private static let gap = 44.0

    private var bottom: Double { Self.top + Double(rows.count) * Self.rowHeight }

    var svg: String {
        var parts = legend
        for (index, name) in rows.enumerated() {
            parts.append(SVG.text(name, Self.left - 16, y(index) + 4, "text-anchor=\"end\""))
            parts.append(SVG.line(Self.left, y(index), Self.right, y(index)))
        }
        let width =
            (Self.right - Self.left - Self.gap * Double(panels.count - 1)) / Double(panels.count)
        for (index, panel) in panels.enumerated() {
            let start = Self.left + Double(index) * (width + Self.gap)
            parts += drawn(panel, from: start, to: start + width)
        }
        return SVG.document(
            title: title, subtitle: subtitle, titleX: 24, width: Self.width, height: bottom + 48,
            parts)
    }

    private func y(_ row: Int) -> Double { Self.top + (Double(row) + 0.5) * Self.rowHeight }

    private var legend: [String] {
        guard series.count > 1 else { return [] }
        return series.enumerated().flatMap { index, name in
            let x = 30 + Double(index) * 110
            return [
                SVG.dot(x, 76, radius: 5, color: index % 6),
                SVG.text(name, x + 10, 80, "class=\"c\(index % 6) name\""),
            ]
        }
    }

    private func drawn(_ panel: Panel, from start: Double, to end: Double) -> [String] {
        let axis = RowAxis(panel, from: start + 6, to: end - 6)
        var parts = [
            SVG.text(panel.title, (start + end) / 2, Self.top - 14, "text-anchor=\"middle\"")
        ]
        for tick in axis.ticks {
            let x = axis.place(tick)
            parts.append(SVG.line(x, Self.top, x, bottom))
            parts.append(
                SVG.text(
                    panel.text(tick), x, bottom + 18, "class=\"faint\" text-anchor=\"middle\""))
        }
        for (row, marks) in panel.rows.enumerated() {
            for mark in marks { parts += drawn(mark, at: y(row), axis, middle: (start + end) / 2) }
        }
        return parts
    }

    private func drawn(
        _ mark: Mark, at y: Double, _ axis: RowAxis, middle: Double
    ) -> [String] {
        let color = mark.series % 6
        let x = axis.place(mark.value)
        var parts = [SVG.dot(x, y, radius: 5, color: color)]
        var ends = x...x
        if let range = mark.range {
            ends = axis.place(range.lowerBound)...axis.place(range.upperBound)
            parts.append(
                SVG.line(ends.lowerBound, y, ends.upperBound, y, "class=\"c\(color) line\""))
        }
        if !mark.label.isEmpty {
            // On the side where there is room.
            let isLeft = ends.upperBound > middle
            parts.append(
                SVG.text(
                    mark.label, isLeft ? ends.lowerBound - 9 : ends.upperBound + 9, y - 5,
                    "class=\"faint\" text-anchor=\"\(isLeft ? "end" : "start")\""))
        }
        return parts
    }
}

/// Where values stand in a panel.
private struct RowAxis {
    let ticks: [Double]
    private let scale: Chart.Scale
    private let low: Double
    private let high: Double
    private let start: Double
    private let end: Double

    init(_ panel: RowChart.Panel, from start: Double, to end: Double) {
        self.start = start
        self.end = end
        scale = panel.scale
        let values = panel.rows.flatMap { $0 }.flatMap {
            [$0.value, $0.range?.lowerBound, $0.range?.upperBound].compactMap { $0 }
        }.filter { $0.isFinite }
        if panel.scale == .linear {
            let top = max(1e-9, (values.max() ?? 1) * 1.02)
            let power = pow(10, floor(log10(top)))
            let step = [0.2, 0.5, 1, 2].map { $0 * power }.first { top / $0 <= 5 } ?? power
            (low, high) = (0, top)
            ticks = Array(stride(from: 0, through: top, by: step))
        } else {
            let positive = values.filter { $0 > 0 }
            let first = floor(log10(positive.min() ?? 1))
            let last = max(first + 1, ceil(log10(positive.max() ?? 10)))
            (low, high) = (first, last)
            let every = max(1, Int(((last - first) / 4).rounded(.up)))
            let powers = stride(from: Int(first), through: Int(last), by: every)
            ticks = powers.map { pow(10, Double($0)) }
        }
    }

    func place(_ value: Double) -> Double {
        let placed = scale == .linear ? value : log10(max(value, pow(10, low)))
        let share = min(1, max(0, (placed - low) / (high - low)))
        return start + share * (end - start)
    }
}
