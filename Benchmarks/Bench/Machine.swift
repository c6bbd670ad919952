// What a figure was measured on: without it a figure means nothing.

import CRoofline
import Foundation

/// The machine block of a result.
package enum Machine {
    /// As things stand now. `directory` is where the run works; `commit` and `toolchain` are what
    /// the command line says.
    package static func block(directory: String, commit: String?, toolchain: String?) -> JSONValue {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: names.release) { text($0) }
        let architecture = withUnsafeBytes(of: names.machine) { text($0) }
        let mount = fileSystem(of: directory)
        return .object([
            ("processor", .string(field("model name", in: "/proc/cpuinfo") ?? architecture)),
            ("processors", .count(ProcessInfo.processInfo.activeProcessorCount)),
            ("architecture", .string(architecture)),
            ("memoryMegabytes", .integer(Int64(ProcessInfo.processInfo.physicalMemory >> 20))),
            ("system", .string(systemName)),
            ("kernel", .string(release)),
            ("fileSystem", .string(mount.type)),
            ("mountOptions", .string(mount.options)),
            ("device", .string(mount.device)),
            ("hypervisor", .bool(hasFlag("hypervisor"))),
            ("loadAverage", .figure(loadAtStart)),
            ("toolchain", toolchain.map { .string($0) } ?? .null),
            ("commit", commit.map { .string($0) } ?? .null),
            ("optimized", .bool(croofline_is_optimized() == 1)),
        ])
    }

    /// Now, as ISO 8601 in UTC.
    package static var time: String { Date.now.formatted(.iso8601) }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func lines(of path: String) -> [Substring] {
        let content = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return content.split(separator: "\n")
    }

    /// The value of `name : value` in a file of such lines.
    private static func field(_ name: String, in path: String) -> String? {
        guard let line = lines(of: path).first(where: { $0.hasPrefix(name) }) else { return nil }
        let value = line.drop { $0 != ":" }.dropFirst()
        return value.trimmingCharacters(in: .whitespaces)
    }

    private static func hasFlag(_ flag: String) -> Bool {
        (field("flags", in: "/proc/cpuinfo") ?? "").split(separator: " ").contains { $0 == flag }
    }

    private static var systemName: String {
        let name = lines(of: "/etc/os-release").first { $0.hasPrefix("PRETTY_NAME=") } ?? ""
        return name.dropFirst("PRETTY_NAME=".count)
            .trimmingCharacters(in: CharacterSet(charactersIn: "\""))
    }

    /// Of the minute before the program looked first, which it does when it starts: above about 1
    /// somebody else works here.
    package static let loadAtStart =
        Double(lines(of: "/proc/loadavg").first?.split(separator: " ").first ?? "") ?? .nan

    private static func fileSystem(
        of directory: String
    ) -> (device: String, type: String, options: String) {
        var path = URL(fileURLWithPath: directory).standardizedFileURL.path
        if !path.hasSuffix("/") { path += "/" }
        var best = (device: "", type: "", options: "")
        var length = -1
        for line in lines(of: "/proc/mounts") {
            let parts = line.split(separator: " ").map(String.init)
            guard parts.count >= 4 else { continue }
            let place = parts[1].hasSuffix("/") ? parts[1] : parts[1] + "/"
            if path.hasPrefix(place), place.count >= length {
                length = place.count
                best = (parts[0], parts[2], parts[3])
            }
        }
        return best
    }
}
