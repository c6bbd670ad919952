// How many descriptors and mappings the process may have, and how many it has.

private import Glibc

/// What the system allows the process.
package struct ProcessLimits: Hashable, Sendable {
    package var descriptorLimit: Int
    package var descriptorsInUse: Int
    package var mappingLimit: Int
    package var mappingsInUse: Int

    package init(
        descriptorLimit: Int, descriptorsInUse: Int, mappingLimit: Int, mappingsInUse: Int
    ) {
        self.descriptorLimit = descriptorLimit
        self.descriptorsInUse = descriptorsInUse
        self.mappingLimit = mappingLimit
        self.mappingsInUse = mappingsInUse
    }

    /// Those of this process now; nil when the system does not tell them (no `/proc`).
    package static func current() -> ProcessLimits? {
        var descriptors = rlimit()
        let disk = SystemDisk()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &descriptors) == 0,
            let inUse = try? disk.list("/proc/self/fd").count,
            let mappings = try? lineCount(disk, "/proc/self/maps"),
            let mappingLimit = try? number(disk, "/proc/sys/vm/max_map_count")
        else { return nil }
        return ProcessLimits(
            // The list was read through a descriptor of its own.
            descriptorLimit: Int(clamping: descriptors.rlim_cur), descriptorsInUse: inUse - 1,
            mappingLimit: mappingLimit, mappingsInUse: mappings)
    }

    /// Lets the process have as many descriptors as whoever started it allows, as RocketMQ's
    /// virtual machine does: each connection takes one, and each queue in use. What is refused
    /// stays as it is.
    package static func raiseDescriptorLimit() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else {
            return
        }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(resource, &limit)
    }

    private static func lineCount(_ disk: SystemDisk, _ path: String) throws(DiskError) -> Int {
        var count = 0
        try read(disk, path) { count += $0 == UInt8(ascii: "\n") ? 1 : 0 }
        return count
    }

    private static func number(_ disk: SystemDisk, _ path: String) throws(DiskError) -> Int? {
        var text = ""
        try read(disk, path) { text.unicodeScalars.append(Unicode.Scalar($0)) }
        return Int(text.prefix { $0.isNumber })
    }

    /// Gives `visit` each byte of a file whose length is not known.
    private static func read(
        _ disk: SystemDisk, _ path: String, _ visit: (UInt8) -> Void
    ) throws(DiskError) {
        let file = try disk.open(path, .readOnly)
        defer { file.close() }
        let buffer = MappedBytes.allocate(count: 64 << 10)
        defer { buffer.deallocate() }
        var offset = 0
        while true {
            var bytes = buffer.mutableBytes
            let count = try file.read(into: &bytes, at: offset)
            if count == 0 { return }
            for position in 0..<count { visit(buffer.byte(at: position)) }
            offset += count
        }
    }
}

/// Bytes of memory that the machine has; 0 when it does not say.
package func machineMemory() -> Int {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let size = sysconf(Int32(_SC_PAGESIZE))
    return pages > 0 && size > 0 ? pages * size : 0
}
