// `kvConfig.json`: the key-value configuration on disk, and the table before it beside it.
//
// Written by one thread. A write makes the new file beside the old one, keeps the old contents as
// `.bak`, and takes the new file's name last: whenever it is cut, there is a whole file under one
// of the two names. What was damaged is put aside as `.damaged`.

import ApusFormat
import ApusRemoting
import ApusSystem

/// A file that could not be read or written.
public enum KeyValueFileError: Error, Sendable, CustomStringConvertible {
    /// There is a file, and what it holds is no table; so is its `.bak`, or there is none.
    case damaged(path: String, reason: String)
    /// The file could not be opened or read.
    case unreadable(reason: String)

    public var description: String {
        switch self {
        case .damaged(let path, let reason):
            "\(path) holds no key-value configuration (\(reason)), and \(path).bak is no way out:"
                + " restore one of them, or move both away to begin with an empty table"
        case .unreadable(let reason): "the key-value configuration: \(reason)"
        }
    }
}

/// The file of the key-value configuration.
struct KeyValueFile: Sendable {
    let disk: any Disk
    let path: String
    /// The table on disk, under the name or, where that is damaged, as `.bak`.
    private var contents: [UInt8]?
    /// Whether what is under the name must not be lost, although nobody can read it.
    private var isDamaged = false

    /// More than that is no file of ours: a table of the greatest size, with every byte escaped.
    private static let byteLimit = 8 * KeyValueTable.byteLimit

    init(_ disk: any Disk, path: String) {
        self.disk = disk
        self.path = path
    }

    var backupPath: String { "\(path).bak" }

    /// The table on disk: that of `.bak` where the file is missing or damaged, and an empty one
    /// where there is neither. `warning` says when it was not the file's.
    mutating func load() throws(KeyValueFileError) -> (table: KeyValueTable, warning: String?) {
        let found = try read(path)
        let reason: String
        switch found.map(Self.parse) {
        case .success(let table)?:
            contents = found
            return (table, nil)
        case .failure(let error)?:
            reason = error.reason
            isDamaged = true
        case nil: reason = "it is missing"
        }
        let backup = try read(backupPath)
        switch backup.map(Self.parse) {
        case .success(let table)?:
            contents = backup
            return (table, "\(path) cannot be used (\(reason)): took \(backupPath)")
        case .failure?: throw .damaged(path: path, reason: reason)
        case nil:
            if found != nil { throw .damaged(path: path, reason: reason) }
            return (KeyValueTable(), nil)
        }
    }

    /// Makes the table durable.
    mutating func save(_ table: KeyValueTable) throws(DiskError) {
        let directory = SystemDisk.parent(of: path)
        try disk.createDirectories(directory)
        if let contents { try replace(backupPath, with: contents) }
        if isDamaged {
            try disk.rename(path, to: "\(path).damaged")
            isDamaged = false
        }
        let bytes = table.json.bytes(.fastjson)
        try replace(path, with: bytes)
        try disk.syncDirectory(directory)
        contents = bytes
    }

    private func replace(_ path: String, with bytes: [UInt8]) throws(DiskError) {
        let new = "\(path).tmp"
        let file = try disk.open(new, .createEmpty)
        defer { file.close() }
        try file.write(bytes.rawSpan, at: 0)
        try file.sync()
        try disk.rename(new, to: path)
    }

    private func read(_ path: String) throws(KeyValueFileError) -> [UInt8]? {
        do throws(DiskError) {
            return try disk.contents(of: path, limit: Self.byteLimit)
        } catch {
            throw .unreadable(reason: "\(error)")
        }
    }

    private struct Damage: Error { let reason: String }

    private static func parse(_ bytes: [UInt8]) -> Result<KeyValueTable, Damage> {
        do throws(JSONError) {
            guard let table = KeyValueTable(try JSON(parsing: bytes.rawSpan)) else {
                return .failure(Damage(reason: "no table of namespaces"))
            }
            return .success(table)
        } catch {
            return .failure(Damage(reason: "\(error)"))
        }
    }
}
