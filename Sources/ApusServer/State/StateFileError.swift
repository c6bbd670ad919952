// What keeping a file of state can fail with.

public import ApusSystem

/// A file that a server keeps its state in, and that could not be read or written.
public enum StateFileError: Error, Hashable, Sendable {
    /// Neither the file nor the one before it can be used. Nothing is started over in silence.
    case damaged(path: String, reason: String, backup: String)
    /// The file is there and could not be opened or read: whether it is damaged is not known, and
    /// the one before it is not taken in its place.
    case unreadable(DiskError)
    /// The file holds what it held before, except where the failure came with the last sync of the
    /// directory: then it holds either.
    case unwritten(DiskError)
}

extension StateFileError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .damaged(let path, let reason, let backup):
            "cannot read \(path): \(reason); nor its predecessor: \(backup). Put a good copy in its"
                + " place, or move both files away to start without"
        case .unreadable(let error):
            "\(error): mend that and start again, or move the file away to start with its"
                + " predecessor"
        case .unwritten(let error): "\(error); the change was not made"
        }
    }
}
