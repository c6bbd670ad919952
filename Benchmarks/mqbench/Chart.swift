// A line chart as SVG.

import Foundation

/// A chart of lines over a logarithmic vertical axis.
struct Chart {
    struct Line {
        let name: String
        let points: [(x: Double, y: Double)]
    }

    enum Scale { case linear, logarithmic }

    let title: String
    let subtitle: String
    let xLabel: String
    let yLabel: String
    let xScale: Scale
    let xTicks: [(Double, String)]
    let yText: (Double) -> String
    let lines: [Line]

    private static let width = 860.0
    private static let height = 480.0
    // Where the lines are; names stand to the right of it.
    private static let left = 84.0
    private static let right = 600.0
    private static let top = 72.0
    private static let bottom = 420.0

    var svg: String {
        let values = lines.flatMap(\.points).map(\.y).filter { $0 > 0 }
        let low = floor(log10(values.min() ?? 1))
        let high = max(low + 1, ceil(log10(values.max() ?? 10)))
        let frame = Frame(xs: xTicks.map(\.0), scale: xScale, low: low, high: high)
        var parts = horizontalGrid(frame) + verticalTicks(frame)
        parts += lines.indices.map { drawn(lines[$0], color: $0 % 6, frame) }
        parts += names(frame)
        return SVG.document(
            title: title, subtitle: subtitle, titleX: Self.left, width: Self.width,
            height: Self.height, parts)
    }

    /// Maps values to places.
    private struct Frame {
        let xs: [Double]
        let scale: Scale
        let low: Double
        let high: Double

        func x(_ value: Double) -> Double {
            let first = placed(xs.first ?? 0)
            let span = max(1e-9, placed(xs.last ?? 1) - first)
            return Chart.left + 16 + (placed(value) - first) / span
                * (Chart.right - Chart.left - 32)
        }

        private func placed(_ value: Double) -> Double {
            scale == .linear ? value : log10(max(1, value))
        }

        func y(_ value: Double) -> Double {
            let share = (log10(value) - low) / (high - low)
            return Chart.bottom - share * (Chart.bottom - Chart.top)
        }
    }

    private func horizontalGrid(_ frame: Frame) -> [String] {
        var parts: [String] = []
        // Few powers of ten leave room for steps between them.
        let steps = frame.high - frame.low <= 2 ? [1.0, 2, 5] : [1]
        let powers = Int(frame.low)...Int(frame.high)
        let values = powers.flatMap { power in steps.map { $0 * pow(10, Double(power)) } }
        for value in values where value <= pow(10, frame.high) * 1.01 {
            let y = frame.y(value)
            parts.append(SVG.line(Self.left, y, Self.right, y))
            parts.append(
                SVG.text(yText(value), Self.left - 8, y + 4, "text-anchor=\"end\""))
        }
        let middle = (Self.top + Self.bottom) / 2
        parts.append(
            SVG.text(
                yLabel, 16, middle,
                "class=\"faint\" text-anchor=\"middle\" transform=\"rotate(-90 16 \(middle))\""))
        return parts
    }

    private func verticalTicks(_ frame: Frame) -> [String] {
        var parts = xTicks.flatMap { value, label -> [String] in
            let x = frame.x(value)
            return [
                SVG.line(x, Self.top, x, Self.bottom),
                SVG.text(label, x, Self.bottom + 20, "text-anchor=\"middle\""),
            ]
        }
        parts.append(
            SVG.text(
                xLabel, (Self.left + Self.right) / 2, Self.bottom + 44,
                "class=\"faint\" text-anchor=\"middle\""))
        return parts
    }

    private func drawn(_ line: Line, color: Int, _ frame: Frame) -> String {
        let places = line.points.map { (frame.x($0.x), frame.y(max($0.y, pow(10, frame.low)))) }
        let path = places.map { String(format: "%.1f,%.1f", $0.0, $0.1) }.joined(separator: " ")
        let dots = places.map {
            String(
                format: "<circle class=\"c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", color, $0.0, $0.1
            )
        }
        return "<polyline class=\"c\(color) line\" points=\"\(path)\"/>"
            + dots.joined()
    }

    /// The names beside the ends of their lines, moved apart where they would touch.
    private func names(_ frame: Frame) -> [String] {
        let ends = lines.indices.map { index in
            (index: index, y: frame.y(max(lines[index].points.last?.y ?? 1, pow(10, frame.low))))
        }.sorted { $0.y < $1.y }
        var last = Self.top - 18
        return ends.map { end in
            let y = max(end.y + 4, last + 18)
            last = y
            return SVG.text(
                lines[end.index].name, Self.right + 12, y, "class=\"c\(end.index % 6) name\"")
        }
    }
}
