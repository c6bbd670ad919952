// Every record of two stores that RocketMQ 5.3.3 brokers wrote.

import ApusFormat
import Foundation
import Testing

private struct Manifest: Decodable {
    struct Message: Decodable {
        let physicalOffset: Int64
        let storeSize: Int
        let topic: String
        let queueId: Int32
        let queueOffset: Int64
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
    }
    struct Blank: Decodable {
        let physicalOffset: Int64
        let totalSize: Int
    }
    let messages: [Message]
    let fileEndBlanks: [Blank]
    let maxPhyOffset: Int64
}

/// Runs a program of the system and answers what it prints; nil when it fails.
private func output(_ program: String, _ arguments: [String]) throws -> Data? {
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

/// The CommitLog files of a golden store by their first offset, and its manifest.
private func load(_ name: String) throws -> (files: [Int64: [UInt8]], manifest: Manifest) {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Golden")
    let unzipped = try output(
        "/bin/gzip", ["-dc", folder.appending(path: "\(name).json.gz").path()])
    let json = try #require(unzipped)
    var files: [Int64: [UInt8]] = [:]
    for base in stride(from: Int64(0), to: 262_144, by: 65_536) {
        let digits = String(format: "%020d", base)
        let archive = folder.appending(path: "\(name).tar.gz").path()
        let member = "\(name)/commitlog/\(digits)"
        if let data = try output("/bin/tar", ["-xzOf", archive, member]) {
            files[base] = Array(data)
        }
    }
    return (files, try JSONDecoder().decode(Manifest.self, from: json))
}

private func check(
    _ frame: RecordFrame, in file: [UInt8], at position: Int, against message: Manifest.Message
) {
    let bytes = file.span.bytes
    let fields = frame.fields(in: bytes, at: position)
    let topic = file[
        position + frame.topicOffset..<position + frame.topicOffset + frame.topicLength]
    let expected = RecordFields(
        queueID: message.queueId, flag: message.flag, queueOffset: message.queueOffset,
        physicalOffset: message.physicalOffset,
        systemFlag: SystemFlag(rawValue: message.sysFlag),
        bornTimestamp: message.bornTimestamp,
        bornHost: HostAddress(ipv4Text: message.bornHost) ?? .loopback(port: -1),
        storeTimestamp: message.storeTimestamp,
        storeHost: HostAddress(ipv4Text: message.storeHost) ?? .loopback(port: -1),
        reconsumeTimes: message.reconsumeTimes,
        preparedTransactionOffset: message.preparedTransactionOffset,
        bodyChecksum: message.bodyCRC)
    #expect(fields == expected, "record at \(message.physicalOffset)")
    #expect(frame.totalSize == message.storeSize)
    #expect(frame.bodyLength == message.storedBodyLen)
    #expect(String(decoding: topic, as: UTF8.self) == message.topic)
}

private func encodeAgain(_ frame: RecordFrame, in file: [UInt8], at position: Int) -> [UInt8] {
    func part(_ offset: Int, _ count: Int) -> [UInt8] {
        Array(file[position + offset..<position + offset + count])
    }
    let topic = part(frame.topicOffset, frame.topicLength)
    let properties = part(frame.propertiesOffset, frame.propertiesLength)
    let body = part(frame.bodyOffset, frame.bodyLength)
    let fields = frame.fields(in: file.span.bytes, at: position)
    var target = [UInt8](repeating: 0, count: frame.totalSize)
    var span = target.mutableSpan
    var raw = span.mutableBytes
    RecordEncoder.encode(
        fields, frame: frame, topic: topic.span.bytes, properties: properties.span.bytes,
        body: body.span.bytes, appendsChecksum: false, into: &raw, at: 0)
    return target
}

@Test(
    "each record of a golden store is the manifest's, and encodes to the same bytes",
    arguments: ["rocketmq-5.3.3-clean", "rocketmq-5.3.3-killed"])
func goldenRecords(name: String) throws {
    let (files, manifest) = try load(name)
    var offset: Int64 = 0
    var messages = manifest.messages[...]
    var blanks = manifest.fileEndBlanks[...]
    scan: while true {
        let base = offset / 65_536 * 65_536
        let file = try #require(files[base])
        let position = Int(offset - base)
        switch RecordInspection.inspect(
            file.span.bytes, at: position, physicalOffset: offset, checks: .all)
        {
        case .record(let frame):
            let next = messages.popFirst()
            let message = try #require(next)
            #expect(message.physicalOffset == offset)
            check(frame, in: file, at: position, against: message)
            let again = encodeAgain(frame, in: file, at: position)
            #expect(again[...] == file[position..<position + frame.totalSize])
            offset += Int64(frame.totalSize)
        case .padding(let count):
            let next = blanks.popFirst()
            let blank = try #require(next)
            #expect(blank.physicalOffset == offset && blank.totalSize == count)
            offset += Int64(count)
        case .end: break scan
        case .damaged(let damage):
            Issue.record("damage at \(offset): \(damage)")
            break scan
        }
    }
    #expect(messages.isEmpty && blanks.isEmpty)
    #expect(offset == manifest.maxPhyOffset)
}
