// The tree that this test was built from.

import Foundation

/// The text files of the checkout, and whether a path is in it.
struct SourceTree {
    /// The root: three levels above this file.
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Every text file below the root that could be committed, sorted by path.
    static let files: [TextFile] = {
        var found: [TextFile] = []
        let keys: [URLResourceKey] = [.isDirectoryKey]
        guard
            let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: keys)
        else { return [] }
        for case let url as URL in walk {
            let path = String(url.path.dropFirst(root.path.count).drop { $0 == "/" })
            if isIgnored(path) {
                walk.skipDescendants()
            } else if isText(url.lastPathComponent),
                let text = try? String(contentsOf: url, encoding: .utf8)
            {
                found.append(TextFile(path: path, text: text))
            }
        }
        return found.sorted { $0.path < $1.path }
    }()

    /// Whether a file or directory stands at `path`, counted from the root.
    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    /// What a build or a run leaves behind, and git's own files.
    private static func isIgnored(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return [".git", ".build", ".swiftpm"].contains(name) || name.hasPrefix(".build-")
            || path == "bench-results/local"
    }

    private static func isText(_ name: String) -> Bool {
        let kinds = [
            "swift", "c", "h", "modulemap", "md", "sh", "py", "json", "ndjson", "yml", "conf",
            "svg",
            "txt",
        ]
        let names = ["Makefile", "NOTICE", "run", ".gitignore", ".swift-format"]
        return names.contains(name) || kinds.contains((name as NSString).pathExtension)
    }
}
