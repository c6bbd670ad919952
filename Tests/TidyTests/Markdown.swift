// As much of Markdown as the rules need: headings and links, outside of code.

/// The headings and links of one document.
struct Markdown {
    private(set) var headings: [(level: Int, text: String, line: Int)] = []
    private(set) var links: [(target: String, line: Int)] = []

    init(_ file: TextFile) {
        var fence: Substring?
        for (index, whole) in file.lines.enumerated() {
            let line = file.trimmedLine(index + 1)
            if let open = fence {
                if line.hasPrefix(open) { fence = nil }
            } else if line.hasPrefix("```") || line.hasPrefix("~~~") {
                fence = line.prefix { $0 == line.first }
            } else if !whole.hasPrefix("    ") {
                read(line, number: index + 1)
            }
        }
    }

    /// The names that links to this document can end in, as hosts of repositories derive them.
    var anchors: Set<String> {
        var seen: [String: Int] = [:]
        return Set(
            headings.map { heading in
                let kept = heading.text.lowercased().filter {
                    $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_"
                }
                let anchor = kept.replacing(" ", with: "-")
                defer { seen[anchor, default: 0] += 1 }
                return seen[anchor].map { "\(anchor)-\($0)" } ?? anchor
            })
    }

    private mutating func read(_ line: Substring, number: Int) {
        let level = line.prefix { $0 == "#" }.count
        if (1...6).contains(level), line.dropFirst(level).first == " " {
            headings.append((level, String(line.dropFirst(level + 1)), number))
        } else if line.hasPrefix("<h1") {
            headings.append((1, String(line), number))
        }
        let text = Self.withoutCode(line)
        for range in text.ranges(of: "](") {
            let rest = text[range.upperBound...]
            links.append((Self.target(rest.prefix { $0 != ")" }), number))
        }
        // A definition: [name]: target
        if text.hasPrefix("["), let colon = text.firstRange(of: "]: ") {
            links.append((Self.target(text[colon.upperBound...]), number))
        }
    }

    /// The address without a title behind it and angle brackets around it.
    private static func target(_ text: Substring) -> String {
        let address = text.split(separator: " ").first ?? ""
        return String(address.drop { $0 == "<" }.prefix { $0 != ">" })
    }

    /// The line without what stands between backticks.
    private static func withoutCode(_ line: Substring) -> Substring {
        let pieces = line.split(separator: "`", omittingEmptySubsequences: false)
        return pieces.enumerated().filter { $0.offset % 2 == 0 }.map { String($0.element) }
            .joined()[...]
    }
}
