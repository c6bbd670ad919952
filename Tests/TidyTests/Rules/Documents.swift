// Documents have one title, and their links lead somewhere.

import Foundation

extension Rule {
    static let oneTitle = Rule(name: "each document has exactly one title") {
        $0.filter { $0.isMarkdown }.compactMap { file in
            let titles = Markdown(file).headings.filter { $0.level == 1 }
            if titles.count == 1 { return nil }
            return Finding(
                file.path, titles.dropFirst().first?.line ?? 1,
                "\(titles.count) headings of the first level, where there is one",
                advice: "One title at the top, the rest from ## on")
        }
    }

    static let linksResolve = Rule(name: "each relative link leads to a file, and to a heading") {
        files in
        files.filter { $0.isMarkdown }.flatMap { file in
            Markdown(file).links.compactMap { target, line in
                complaint(of: target, in: file, among: files).map {
                    Finding(file.path, line, $0, advice: "Mend the link or remove it")
                }
            }
        }
    }

    /// What is wrong with a link; nil when it leads somewhere, or out of the tree.
    private static func complaint(
        of target: String, in file: TextFile, among files: [TextFile]
    ) -> String? {
        if target.prefix(while: { $0 != "/" && $0 != "#" }).contains(":") { return nil }
        let parts = target.split(
            separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].isEmpty ? file.path : resolve(String(parts[0]), from: file)
        guard let path else { return "the link to \(target) leaves the tree" }
        guard files.contains(where: { $0.path == path }) || SourceTree.exists(path) else {
            return "the link to \(target) leads to no file"
        }
        guard parts.count == 2, path.hasSuffix(".md"),
            let document = files.first(where: { $0.path == path })
        else { return nil }
        let isHeading = Markdown(document).anchors.contains(String(parts[1]))
        return isHeading ? nil : "the link to \(target) leads to no heading"
    }

    /// `target` as a path from the root; nil when it leads above the root.
    private static func resolve(_ target: String, from file: TextFile) -> String? {
        var parts = target.hasPrefix("/") ? [] : file.folders.map(String.init)
        for part in (target.removingPercentEncoding ?? target).split(separator: "/") {
            switch part {
            case ".": continue
            case "..":
                if parts.popLast() == nil { return nil }
            default: parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }
}
