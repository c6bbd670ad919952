// A small store whose files are held in memory, to be written out with one bit turned.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport

@testable import ApusStore

/// A store in files, what can be read from it, and what each of its bytes is.
final class FlipStore {
    /// Everything that a reader can be given.
    struct Reading: Equatable {
        var messages: [String: [StoredMessage]] = [:]
        var byKey: [String: [StoredMessage]] = [:]
    }

    /// A place where a bit is turned.
    struct Place {
        let path: String
        let byte: Int
        let bit: Int
    }

    let name: String
    let isClosed: Bool
    let isChecked: Bool
    let files: [String: [UInt8]]
    /// Where the bytes of each class stand.
    let places: [ByteClass: [(path: String, byte: Int)]]
    private(set) var expected = Reading()
    private let directory: TemporaryDirectory
    private let count: Int

    /// Writes the store: `isClosed` or killed with some of it above the mark; `isChecked`: each
    /// record with its `__CRC32#` property.
    init(isClosed: Bool, isChecked: Bool) throws {
        name = "\(isClosed ? "closed" : "killed")\(isChecked ? ", with __CRC32#" : "")"
        self.isClosed = isClosed
        self.isChecked = isChecked
        directory = try FlipStore.makeDirectory()
        count = 90
        let root = "\(directory.path)/origin"
        let configuration = FlipStore.configuration(isChecked)
        let store = try MessageStore.open(root, configuration)
        for number in 0..<count {
            if number == 75 { try store.flush() }
            try store.append(FlipStore.message(number))
        }
        if isClosed { try store.close() }
        var files: [String: [UInt8]] = [:]
        for (path, data) in try contents(of: root) { files[path] = [UInt8](data) }
        self.files = files
        var places: [ByteClass: [(path: String, byte: Int)]] = [:]
        for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
            for (byte, kind) in ByteMap.classes(of: path, bytes).enumerated() {
                places[kind, default: []].append((path, byte))
            }
        }
        self.places = places
        try write(nil)
        expected = try read(open())
    }

    /// In memory where there is such a file system: a sync costs nothing there.
    private static func makeDirectory() throws -> TemporaryDirectory {
        try TemporaryDirectory(
            in: FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : nil)
    }

    private static func configuration(_ isChecked: Bool) -> StoreConfiguration {
        tinyConfiguration {
            $0.commitLog.segmentByteCount = 16 << 10
            $0.queues.fileByteCount = 1000
            $0.integrity.appendsRecordChecksum = isChecked
            $0.integrity.requiresRecordChecksum = isChecked
        }
    }

    private static func message(_ number: Int) -> Message {
        var message = ApusStoreTests.message(
            number, topic: number % 3 == 0 ? "Orders" : "Bills", queue: Int32(number % 2),
            size: 40 + number % 7 * 30)
        message.properties += [
            Property(name: "UNIQ_KEY", value: "unique\(number)"),
            Property(name: "colour", value: "green"), Property(name: "WAIT", value: "true"),
        ]
        message.attributes.flag = Int32(number)
        message.attributes.bornTimestamp = 1_700_000_000_000 + Int64(number)
        return message
    }

    /// Where a flipped copy lies.
    var root: String { "\(directory.path)/copy" }

    /// Writes the files with one bit turned.
    func write(_ place: Place?) throws {
        try? FileManager.default.removeItem(atPath: root)
        for (path, bytes) in files {
            let full = "\(root)/\(path)"
            try FileManager.default.createDirectory(
                atPath: SystemDisk.parent(of: full), withIntermediateDirectories: true)
            var data = Data(bytes)
            if let place, place.path == path { data[place.byte] ^= 1 << UInt8(place.bit) }
            try data.write(to: URL(filePath: full))
        }
    }

    func open(_ listener: Listener? = nil) throws -> MessageStore {
        try MessageStore.open(root, FlipStore.configuration(isChecked), observer: listener)
    }

    /// Verifies a flipped copy in place: nothing is written.
    func verify() throws -> VerificationReport {
        var options = VerificationOptions()
        options.requiresRecordChecksum = isChecked
        let files = try StoreFiles.survey(SystemDisk(), StoreDirectory(root: root))
        return Verification.run(SystemDisk(), files, options)
    }

    /// Everything that a reader is given; throws where it is refused something.
    func read(_ store: MessageStore) throws -> Reading {
        var reading = Reading()
        for topic in ["Orders", "Bills"] {
            for id in 0..<Int32(2) {
                let queue = try store.queue(topic: topic, id: id)
                var next = try store.minimumOffset(queue)
                let end = try store.maximumOffset(queue)
                var messages: [StoredMessage] = []
                while next < end {
                    let batch = try store.read(queue, from: next)
                    messages += try batch.messages()
                    guard batch.nextOffset > next else { break }
                    next = batch.nextOffset
                }
                reading.messages["\(topic)/\(id)"] = messages
            }
        }
        for number in stride(from: 0, to: count, by: 7) {
            for key in ["key\(number)", "unique\(number)"] {
                let topic = number % 3 == 0 ? "Orders" : "Bills"
                reading.byKey["\(topic)#\(key)"] = try store.messages(topic: topic, key: key)
            }
        }
        return reading
    }
}
