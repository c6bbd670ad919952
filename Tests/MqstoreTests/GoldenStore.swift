// Fresh copies of the golden stores, and the built executable.

import Foundation
import Testing

/// A golden store, unpacked for one test and removed with it.
final class GoldenStore {
    static let names = ["rocketmq-5.3.3-clean", "rocketmq-5.3.3-killed"]
    static let clean = names[0]
    static let killed = names[1]

    private let folder: URL
    let root: URL
    var path: String { root.path(percentEncoded: false) }

    init(_ name: String) throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "mqstore-\(UUID().uuidString)")
        root = folder.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // The timer's files are large, and nothing here looks at them.
        let result = try Run(
            "/bin/tar",
            [
                "-xzf", Self.archive("\(name).tar.gz").path(percentEncoded: false), "-C",
                folder.path(percentEncoded: false), "--exclude=timerwheel", "--exclude=timerlog",
            ])
        try #require(result.code == 0, "\(result.errors)")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private static func archive(_ name: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Golden").appending(path: name)
    }

    /// The messages of the manifest, each as JSON with sorted keys.
    static func messages(_ name: String) throws -> [String] {
        let result = try Run(
            "/bin/gzip", ["-dc", archive("\(name).json.gz").path(percentEncoded: false)])
        let manifest = try JSONSerialization.jsonObject(with: result.outputData) as? [String: Any]
        let messages = try #require(manifest?["messages"] as? [[String: Any]])
        return try messages.map { try canonical($0) }
    }

    static func canonical(_ object: Any) throws -> String {
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    // MARK: - Damage

    func file(_ path: String) -> URL { root.appending(path: path) }

    func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: file(path))) }

    /// Replaces bytes of a file.
    func write(_ bytes: [UInt8], at offset: Int, of path: String) throws {
        let handle = try FileHandle(forUpdating: file(path))
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }

    /// Turns all bits of a byte.
    func flip(_ offset: Int, of path: String) throws {
        let byte = try bytes(path)[offset]
        try write([~byte], at: offset, of: path)
    }

    func truncate(_ path: String, to count: Int) throws {
        let handle = try FileHandle(forUpdating: file(path))
        try handle.truncate(atOffset: UInt64(count))
        try handle.close()
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(at: file(path)) }

    /// Every file below the root with its time of change and its bytes.
    func fingerprint() throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            let path = file(name).path(percentEncoded: false)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let time = attributes[.modificationDate] as? Date ?? .distantPast
            let bytes = (try? Data(contentsOf: file(name))) ?? Data()
            found["\(name) \(time.timeIntervalSince1970)"] = bytes
        }
        return found
    }
}

/// A program that ran to its end.
struct Run {
    let code: Int32
    let outputData: Data
    let errors: String
    var output: String { String(decoding: outputData, as: UTF8.self) }
    var lines: [String] { output.split(separator: "\n").map(String.init) }

    init(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Errors are short: they fit into the pipe while the output is read.
        outputData = output.fileHandleForReading.readDataToEndOfFile()
        self.errors = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        code = process.terminationStatus
    }

    /// Runs the built `mqstore`, which stands beside the tests.
    init(mqstore arguments: String...) throws {
        let tests = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        try self.init(tests.appending(path: "mqstore").path(percentEncoded: false), arguments)
    }
}
