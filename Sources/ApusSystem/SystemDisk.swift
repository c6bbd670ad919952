// The real file system: each operation is one system call, its error carried with the path.

private import CApus
private import Glibc

/// The file system of the machine.
package struct SystemDisk: Disk {
    private var guards: MappingGuards?

    package init() {}

    package func guarded(by guards: MappingGuards) -> any Disk {
        var disk = self
        disk.guards = guards
        return disk
    }

    package func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        let flags: Int32 =
            switch mode {
            case .readOnly: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT
            case .createEmpty: O_RDWR | O_CREAT | O_TRUNC
            }
        let descriptor = unsafe capus_open(path, flags, 0o644)
        guard descriptor >= 0 else {
            throw DiskError(operation: "open", path: path, code: -descriptor)
        }
        return SystemFile(
            descriptor: descriptor, path: path, guards: guards, isWritable: mode != .readOnly)
    }

    package func createDirectory(_ path: String) throws(DiskError) {
        if unsafe mkdir(path, 0o755) != 0, errno != EEXIST {
            throw DiskError(operation: "create directory", path: path, code: errno)
        }
    }

    package func list(_ path: String) throws(DiskError) -> [DirectoryEntry] {
        guard let directory = unsafe opendir(path) else {
            throw DiskError(operation: "list", path: path, code: errno)
        }
        defer { unsafe closedir(directory) }
        var entries: [DirectoryEntry] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            let kind = unsafe Int32(entry.pointee.d_type)
            let isDirectory =
                kind == Int32(DT_UNKNOWN)
                ? (try status("\(path)/\(name)")?.isDirectory ?? false) : kind == Int32(DT_DIR)
            entries.append(DirectoryEntry(name: name, isDirectory: isDirectory))
        }
        return entries.sorted { $0.name < $1.name }
    }

    package func status(_ path: String) throws(DiskError) -> FileStatus? {
        var found = stat()
        if unsafe stat(path, &found) != 0 {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw DiskError(operation: "look at", path: path, code: errno)
        }
        return FileStatus(
            byteCount: found.st_size, allocatedByteCount: found.st_blocks * 512,
            isDirectory: found.st_mode & S_IFMT == S_IFDIR)
    }

    package func rename(_ source: String, to target: String) throws(DiskError) {
        if unsafe Glibc.rename(source, target) != 0 {
            throw DiskError(operation: "rename to \(target)", path: source, code: errno)
        }
    }

    package func unlink(_ path: String) throws(DiskError) {
        if unsafe Glibc.unlink(path) != 0 {
            throw DiskError(operation: "remove", path: path, code: errno)
        }
    }

    package func removeDirectory(_ path: String) throws(DiskError) {
        if unsafe rmdir(path) != 0 {
            throw DiskError(operation: "remove directory", path: path, code: errno)
        }
    }

    package func syncDirectory(_ path: String) throws(DiskError) {
        let descriptor = unsafe capus_open(path, O_RDONLY | O_DIRECTORY, 0)
        guard descriptor >= 0 else {
            throw DiskError(operation: "open", path: path, code: -descriptor)
        }
        defer { Glibc.close(descriptor) }
        if fsync(descriptor) != 0 {
            throw DiskError(operation: "sync directory", path: path, code: errno)
        }
    }

    package func space(_ path: String) throws(DiskError) -> DiskSpace {
        var found = statvfs()
        if unsafe statvfs(path, &found) != 0 {
            throw DiskError(operation: "measure room at", path: path, code: errno)
        }
        let unit = Int(found.f_frsize)
        let used = Int(found.f_blocks - found.f_bfree) * unit
        let available = Int(found.f_bavail) * unit
        return DiskSpace(total: used + available, available: available)
    }

    package func processLimits() -> ProcessLimits? { ProcessLimits.current() }

    /// The directory above `path`: "/" for "/a", "." for "a".
    package static func parent(of path: String) -> String {
        var trimmed = path.utf8[...]
        while trimmed.count > 1, trimmed.last == UInt8(ascii: "/") { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == trimmed.startIndex ? "/" : String(path[..<slash])
    }
}
