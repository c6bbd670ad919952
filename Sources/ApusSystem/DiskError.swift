// What a failed operation on a file says: what was attempted, on which path, and what came back.

private import Glibc

/// An operation on the file system that failed.
public struct DiskError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, as a verb: "open", "allocate", "sync".
    public let operation: String
    /// The file or directory.
    public let path: String
    /// The error number of the system.
    public let code: Int32

    public init(operation: String, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// The device or the quota has no room left.
    public var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT }
    /// What was stored in the file before may be gone, for whatever reason.
    package var isOfSync: Bool { operation.hasPrefix("sync") }
    /// Nothing is there.
    public var isNotFound: Bool { code == ENOENT }
    /// The file system or the directory refuses writing.
    public var isReadOnly: Bool { code == EROFS || code == EACCES || code == EPERM }
    /// Nothing was done: the file system or the device has no such operation, or not with these
    /// places and lengths.
    package var isUnsupported: Bool { code == EINVAL || code == EOPNOTSUPP }
    /// The process has no file descriptors or mappings left.
    public var isLimit: Bool { code == EMFILE || code == ENFILE || code == ENOMEM }

    public var description: String {
        // strerror's text is copied at once; a foreign thread may reuse its buffer later.
        let text = unsafe String(cString: strerror(code))
        return "cannot \(operation) \(path): \(text) (errno \(code))"
    }
}
