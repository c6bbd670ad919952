// The files under /proc and /sys that a diagnosis is made from, behind one seam.

import Foundation

/// Reads small files of the system.
struct SystemFiles: Sendable {
    /// The text of a file; nil when it cannot be read.
    let read: @Sendable (String) -> String?
    /// Where a path leads when its links are followed.
    let resolve: @Sendable (String) -> String

    /// The names in a directory, sorted; none when it cannot be read.
    let list: @Sendable (String) -> [String]

    static let live = SystemFiles(
        read: { try? String(contentsOfFile: $0, encoding: .utf8) },
        resolve: { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path },
        list: { ((try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? []).sorted() })

    /// The first line without blanks at its ends; nil when there is none.
    func line(_ path: String) -> String? {
        let text = read(path)?.split(separator: "\n").first.map(String.init)
        return text?.trimmingCharacters(in: .whitespaces)
    }

    func number(_ path: String) -> Int? { line(path).flatMap { Int($0) } }
}
