// The stores that RocketMQ 5.3.3 brokers wrote, unpacked afresh, with what their manifests say.

public import Foundation

/// A store directory of Java's with its manifest.
public struct GoldenStore: Sendable {
    public let directory: TemporaryDirectory
    /// The store's root: what RocketMQ calls `storePathRootDir`.
    public let root: String
    public let manifest: Manifest

    public struct Missing: Error { let what: String }

    /// `name` is `clean` or `killed`.
    public init(_ name: String) throws {
        let golden = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Golden")
        let full = "rocketmq-5.3.3-\(name)"
        directory = try TemporaryDirectory()
        root = "\(directory.path)/\(full)"
        let archive = golden.appending(path: "\(full).tar.gz").path()
        guard try run("/bin/tar", ["-xzf", archive, "-C", directory.path]) != nil,
            let json = try run(
                "/bin/gzip", ["-dc", golden.appending(path: "\(full).json.gz").path()])
        else { throw Missing(what: full) }
        manifest = try JSONDecoder().decode(Manifest.self, from: json)
    }

    /// What the producers of the killed broker were told: unique id, offset message id, topic,
    /// queue id, queue offset.
    public static func acknowledgements() throws -> [[String]] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
            .appending(path: "Golden/rocketmq-5.3.3-killed.acks.txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: " ").map(String.init) }
            .filter { $0.count == 6 && $0[0] == "ACK" }.map { Array($0.dropFirst()) }
    }
}

/// A manifest as RocketMQ's own store read the directory.
public struct Manifest: Decodable, Sendable {
    public struct Message: Decodable, Sendable {
        public let physicalOffset: Int64
        public let storeSize: Int
        public let topic: String
        public let queueId: Int32
        public let queueOffset: Int64
        public let offsetMsgId: String
        public let msgId: String?
        public let tags: String?
        public let keys: String?
        public let sysFlag: Int32
        public let flag: Int32
        public let bodyCRC: Int32
        public let reconsumeTimes: Int32
        public let preparedTransactionOffset: Int64
        public let bornTimestamp: Int64
        public let storeTimestamp: Int64
        public let bornHost: String
        public let storeHost: String
        public let storedBodyLen: Int
        public let storedBodySha256: String
        public let bodyLen: Int
        public let bodySha256: String
        public let properties: [String: String]
        public let rawSha256: String
    }

    public struct Blank: Decodable, Sendable {
        public let physicalOffset: Int64
        public let totalSize: Int
    }

    public struct Queue: Decodable, Sendable {
        public let dir: String
        public let topic: String
        public let queueId: Int32
        public let minOffset: Int64
        public let maxOffset: Int64
        /// Queue offset, physical offset, size, tags code.
        public let entries: [[Int64]]?

        enum CodingKeys: String, CodingKey {
            case dir, topic, queueId, minOffset, maxOffset
            case entries = "entries_offset_pos_size_tagsCode"
        }
    }

    public struct IndexQuery: Decodable, Sendable {
        public let topic: String
        public let key: String
        public let physicalOffsets: [Int64]
    }

    public let minPhyOffset: Int64
    public let maxPhyOffset: Int64
    public let messages: [Message]
    public let fileEndBlanks: [Blank]
    public let consumeQueues: [Queue]
    public let indexQueries: [IndexQuery]
}

/// Runs a program of the system and answers what it prints; nil when it fails.
public func run(_ program: String, _ arguments: [String]) throws -> Data? {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? data : nil
}
