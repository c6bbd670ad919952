// The device below a file system, as /sys/block describes it.

/// A block device.
struct BlockDevice: Equatable, Sendable {
    enum WriteCache: String, Sendable {
        /// What a write leaves in the device's cache stays there when the power goes.
        case volatile = "write back"
        case none = "write through"
    }

    /// How it is called under /sys/block.
    let name: String
    /// nil where the system does not say.
    let writeCache: WriteCache?
    let isRotational: Bool?
    let hasForcedUnitAccess: Bool?
    let isDirectAccess: Bool?
    /// The file that a loop device is in.
    let backingFile: String?
    /// The devices that it is made of (device mapper, RAID).
    let parts: [String]

    /// A disk that a hypervisor hands in.
    var isVirtual: Bool { name.hasPrefix("vd") || name.hasPrefix("xvd") }
    var isLoop: Bool { name.hasPrefix("loop") }
    /// Compressed memory.
    var isMemory: Bool { name.hasPrefix("zram") || name.hasPrefix("ram") || name.hasPrefix("pmem") }

    /// The device with a number `major:minor`; of a partition, the disk that it is on. nil when the
    /// system has no such device, as for file systems without one.
    static func find(_ number: String, in files: SystemFiles) -> BlockDevice? {
        var path = files.resolve("/sys/dev/block/\(number)")
        if files.line("\(path)/partition") != nil {
            path = path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        }
        guard files.line("\(path)/dev") != nil, let name = path.split(separator: "/").last else {
            return nil
        }
        let queue = "\(path)/queue"
        func flag(_ name: String) -> Bool? {
            switch files.line("\(queue)/\(name)") {
            case "0": false
            case "1": true
            default: nil
            }
        }
        return BlockDevice(
            name: String(name),
            writeCache: files.line("\(queue)/write_cache").flatMap { WriteCache(rawValue: $0) },
            isRotational: flag("rotational"), hasForcedUnitAccess: flag("fua"),
            isDirectAccess: flag("dax"), backingFile: files.line("\(path)/loop/backing_file"),
            parts: files.list("\(path)/slaves"))
    }
}
