// What all commands share: the exit codes, and finding the store.

import ApusStore
import ApusSystem

/// What the command tells a script.
enum ExitCode: Int32 {
    /// All is well.
    case sound = 0
    /// There are findings: damage or inconsistencies.
    case findings = 1
    /// The store could not be looked at, or the command line could not be understood.
    case couldNotLook = 2
}

/// A store's directory as the flags name it.
struct StoreArgument {
    static let valued: Set = ["--commitlog"]

    let disk: any Disk
    let files: StoreFiles

    /// Lists the directory; throws when nothing there is a store. Warns when someone has it open.
    init(_ arguments: Arguments, _ console: Console) throws {
        let path = try arguments.directory()
        let disk = SystemDisk()
        let directory = StoreDirectory(root: path, commitLog: arguments.text("--commitlog"))
        self.disk = disk
        guard let status = try disk.status(path) else {
            throw UsageError("there is no directory \(path)")
        }
        guard status.isDirectory else { throw UsageError("\(path) is not a directory") }
        files = try StoreFiles.survey(disk, directory)
        if files.isLocked {
            console.warn(
                "a broker or another process has this store open; what is written meanwhile may"
                    + " show as findings")
        }
    }
}
