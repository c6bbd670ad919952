// Which topics a broker knows: a look into `config/topics.json`, so that a deleted topic is not
// taken for a lost one.

private import ApusFormat
import ApusSystem

/// The names in a broker's topic file. Not a JSON reader: a name counts as known when it stands in
/// the file in quotes.
struct TopicRegistry {
    /// Longer files are not read.
    private static let limit = 64 << 20

    private let names: Set<String>?

    init(_ disk: any Disk, _ directory: StoreDirectory) {
        names = Self.read(disk, "\(directory.root)/config/topics.json")
    }

    /// Whether there is such a file.
    var knowsTopics: Bool { names != nil }

    func contains(_ topic: String) -> Bool { names?.contains(topic) ?? false }

    private static func read(_ disk: any Disk, _ path: String) -> Set<String>? {
        guard let window = try? FileWindow(disk, path: path, windowByteCount: 64 << 10),
            window.byteCount > 0, window.byteCount <= limit
        else { return nil }
        let bytes = try? window.withBytes(at: 0, count: window.byteCount) { [UInt8]($0) }
        guard let bytes else { return nil }
        // Every second part between quotes is a string, but for escapes, which topics do not have.
        let parts = bytes.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
        var names: Set<String> = []
        for index in stride(from: 1, to: parts.count, by: 2) {
            names.insert(String(decoding: parts[index], as: UTF8.self))
        }
        return names
    }
}
