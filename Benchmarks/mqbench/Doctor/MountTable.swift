// What is mounted where: the table of /proc/self/mountinfo.

/// One mounted file system.
struct Mount: Equatable, Sendable {
    /// `major:minor`, the name of the device under /sys/dev/block.
    let deviceNumber: String
    /// Where it is mounted.
    let path: String
    /// What the mount says, and what the file system says of itself.
    let options: [String]
    let type: String
    /// A device, or what the file system takes for one.
    let source: String

    func has(_ option: String) -> Bool { options.contains(option) }
}

enum MountTable {
    /// The lines that have the form of the table; others are passed over.
    static func parse(_ text: String) -> [Mount] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map(String.init)
            // Any number of optional fields ends with a dash.
            guard fields.count >= 10, let dash = fields[6...].firstIndex(of: "-"),
                fields.count > dash + 3, fields[2].contains(":")
            else { return nil }
            let options = (fields[5] + "," + fields[dash + 3]).split(separator: ",")
            var seen: Set<String> = []
            return Mount(
                deviceNumber: fields[2], path: unescaped(fields[4]),
                options: options.map(String.init).filter { seen.insert($0).inserted },
                type: fields[dash + 1], source: unescaped(fields[dash + 2]))
        }
    }

    /// The mount that a path with no links in it lies in: the longest one, of equals the last,
    /// which hides the others.
    static func mount(of path: String, in table: [Mount]) -> Mount? {
        let path = path.hasSuffix("/") ? path : path + "/"
        var best: Mount?
        for mount in table {
            let place = mount.path.hasSuffix("/") ? mount.path : mount.path + "/"
            if path.hasPrefix(place), mount.path.count >= best?.path.count ?? 0 { best = mount }
        }
        return best
    }

    /// Blanks and the like are written as a backslash and three digits to the base 8.
    private static func unescaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
