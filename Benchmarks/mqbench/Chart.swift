// A line chart as SVG. It carries its colours for light and dark pages with it, and needs no script
// and no font of its own.

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

    private static let style = """
        <style>
        text { font: 13px system-ui, sans-serif; fill: #333 }
        .title { font-size: 18px; font-weight: 600; fill: #111 }
        .faint { fill: #666 } .back { fill: #fff } .grid { stroke: #ddd }
        .line { fill: none; stroke-width: 2.2; stroke-linejoin: round }
        .c0 { stroke: #0b6bcb; fill: #0b6bcb } .c1 { stroke: #c2410c; fill: #c2410c }
        .c2 { stroke: #15803d; fill: #15803d } .c3 { stroke: #7e22ce; fill: #7e22ce }
        .c4 { stroke: #b45309; fill: #b45309 } .c5 { stroke: #475569; fill: #475569 }
        .line { fill: none } .name { stroke: none }
        @media (prefers-color-scheme: dark) {
        text { fill: #ddd } .title { fill: #fff } .faint { fill: #aaa }
        .back { fill: #16181d } .grid { stroke: #3a3d45 }
        .c0 { stroke: #6cb2ff; fill: #6cb2ff } .c1 { stroke: #ff9d6b; fill: #ff9d6b }
        .c2 { stroke: #6fdc8c; fill: #6fdc8c } .c3 { stroke: #cf9bff; fill: #cf9bff }
        .c4 { stroke: #f0c060; fill: #f0c060 } .c5 { stroke: #a8b3c4; fill: #a8b3c4 }
        .line { fill: none } .name { stroke: none }
        }
        </style>
        """

    var svg: String {
        let values = lines.flatMap(\.points).map(\.y).filter { $0 > 0 }
        let low = floor(log10(values.min() ?? 1))
        let high = max(low + 1, ceil(log10(values.max() ?? 10)))
        let frame = Frame(xs: xTicks.map(\.0), scale: xScale, low: low, high: high)
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 480" width="860" \
            height="480" role="img" aria-label="\(Self.escaped(title))">
            """,
            Self.style,
            "<rect class=\"back\" width=\"860\" height=\"480\"/>",
            Self.text(title, Self.left, 32, "class=\"title\""),
            Self.text(subtitle, Self.left, 52, "class=\"faint\""),
        ]
        parts += horizontalGrid(frame) + verticalTicks(frame)
        parts += lines.indices.map { drawn(lines[$0], color: $0 % 6, frame) }
        parts += names(frame)
        return parts.joined(separator: "\n") + "\n</svg>\n"
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
            parts.append(Self.stroke(Self.left, y, Self.right, y))
            parts.append(
                Self.text(yText(value), Self.left - 8, y + 4, "text-anchor=\"end\""))
        }
        let middle = (Self.top + Self.bottom) / 2
        parts.append(
            Self.text(
                yLabel, 16, middle,
                "class=\"faint\" text-anchor=\"middle\" transform=\"rotate(-90 16 \(middle))\""))
        return parts
    }

    private func verticalTicks(_ frame: Frame) -> [String] {
        var parts = xTicks.flatMap { value, label -> [String] in
            let x = frame.x(value)
            return [
                Self.stroke(x, Self.top, x, Self.bottom),
                Self.text(label, x, Self.bottom + 20, "text-anchor=\"middle\""),
            ]
        }
        parts.append(
            Self.text(
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
            return Self.text(
                lines[end.index].name, Self.right + 12, y, "class=\"c\(end.index % 6) name\"")
        }
    }

    private static func stroke(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        String(
            format: "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x1,
            y1,
            x2, y2)
    }

    private static func text(
        _ text: String, _ x: Double, _ y: Double, _ attributes: String
    ) -> String {
        let place = String(format: "x=\"%.1f\" y=\"%.1f\"", x, y)
        return "<text \(place) \(attributes)>\(escaped(text))</text>"
    }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: "\"", with: "&quot;")
    }
}
