// A store that a RocketMQ 5.3.3 broker wrote, and the manifest that its own classes made of it.

import Foundation
import Testing

struct GoldenStore {
    static let names = ["rocketmq-5.3.3-clean", "rocketmq-5.3.3-killed"]
    static let segmentByteCount: Int64 = 65_536

    let name: String
    let manifest: Manifest
    /// The CommitLog files by their first offset.
    let segments: [Int64: [UInt8]]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Golden")
    private var archive: String { Self.folder.appending(path: "\(name).tar.gz").path() }

    init(_ name: String) throws {
        self.name = name
        let zipped = Self.folder.appending(path: "\(name).json.gz").path()
        let json = try #require(try output("/bin/gzip", ["-dc", zipped]))
        manifest = try JSONDecoder().decode(Manifest.self, from: json)
        var segments: [Int64: [UInt8]] = [:]
        for base in stride(from: 0, to: manifest.maxPhyOffset, by: Int(Self.segmentByteCount)) {
            let digits = String(format: "%020d", base)
            let archive = Self.folder.appending(path: "\(name).tar.gz").path()
            let member = "\(name)/commitlog/\(digits)"
            if let data = try output("/bin/tar", ["-xzOf", archive, member]) {
                segments[base] = Array(data)
            }
        }
        self.segments = segments
    }

    /// The file at `path` below the root of the store.
    func file(_ path: String) throws -> [UInt8] {
        let data = try output("/bin/tar", ["-xzOf", archive, "\(name)/\(path)"])
        return Array(try #require(data))
    }

    /// The names of the files in the folder at `path`, sorted.
    func names(in path: String) throws -> [String] {
        let data = try #require(try output("/bin/tar", ["-tzf", archive, "\(name)/\(path)"]))
        return String(decoding: data, as: UTF8.self).split(separator: "\n")
            .filter { !$0.hasSuffix("/") }
            .compactMap { $0.split(separator: "/").last.map(String.init) }.sorted()
    }
}

struct Manifest: Decodable {
    struct Message: Decodable {
        let physicalOffset: Int64
        let storeSize: Int
        let topic: String
        let queueId: Int32
        let queueOffset: Int64
        let offsetMsgId: String
        let sysFlag: Int32
        let flag: Int32
        let bodyCRC: Int32
        let reconsumeTimes: Int32
        let preparedTransactionOffset: Int64
        let bornTimestamp: Int64
        let storeTimestamp: Int64
        let bornHost: String
        let storeHost: String
        let storedBodyLen: Int
        let bodyLen: Int
        let bodySha256: String
        let properties: [String: String]
    }
    struct Blank: Decodable {
        let physicalOffset: Int64
        let totalSize: Int
    }
    struct IndexQuery: Decodable {
        let topic: String
        let key: String
        let physicalOffsets: [Int64]
    }
    struct Settings: Decodable {
        let maxHashSlotNum: Int32
        let maxIndexNum: Int32
    }
    let messages: [Message]
    let fileEndBlanks: [Blank]
    let indexQueries: [IndexQuery]
    let config: Settings
    let maxPhyOffset: Int64
}

/// The SHA-256 of `bytes` in hexadecimal digits.
func sha256(_ bytes: [UInt8]) throws -> String {
    let printed = try #require(try output("/usr/bin/sha256sum", [], input: bytes))
    return String(decoding: printed.prefix(64), as: UTF8.self)
}

/// Runs a program of the system and answers what it prints; nil when it fails. The input must fit
/// into a pipe.
private func output(
    _ program: String, _ arguments: [String], input: [UInt8] = []
) throws -> Data? {
    let process = Process()
    let pipe = Pipe()
    let source = Pipe()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardInput = source
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    try source.fileHandleForWriting.write(contentsOf: Data(input))
    try source.fileHandleForWriting.close()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? data : nil
}
