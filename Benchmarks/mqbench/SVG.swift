// The parts that charts are made of. A drawing carries its colours for light and dark pages with
// it, and needs no script and no font of its own.

import Foundation

/// Pieces of an SVG file.
enum SVG {
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

    /// A whole drawing with its title in the top left corner.
    static func document(
        title: String, subtitle: String, titleX: Double, width: Double, height: Double,
        _ parts: [String]
    ) -> String {
        let size = (Int(width), Int(height))
        let head = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size.0) \(size.1)" \
            width="\(size.0)" height="\(size.1)" role="img" aria-label="\(escaped(title))">
            """,
            style,
            "<rect class=\"back\" width=\"\(size.0)\" height=\"\(size.1)\"/>",
            text(title, titleX, 32, "class=\"title\""),
            text(subtitle, titleX, 52, "class=\"faint\""),
        ]
        return (head + parts).joined(separator: "\n") + "\n</svg>\n"
    }

    static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        line(x1, y1, x2, y2, "class=\"grid\"")
    }

    static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ attributes: String
    ) -> String {
        let place = String(
            format: "x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"", x1, y1, x2, y2)
        return "<line \(attributes) \(place)/>"
    }

    static func dot(_ x: Double, _ y: Double, radius: Double, color: Int) -> String {
        String(
            format: "<circle class=\"c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>", color, x, y,
            radius)
    }

    static func text(
        _ text: String, _ x: Double, _ y: Double, _ attributes: String
    ) -> String {
        let place = String(format: "x=\"%.1f\" y=\"%.1f\"", x, y)
        return "<text \(place) \(attributes)>\(escaped(text))</text>"
    }

    static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: "\"", with: "&quot;")
    }
}
