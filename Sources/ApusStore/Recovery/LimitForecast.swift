// How the files of a store go with what the system allows the process, told when it is opened.
//
// Each CommitLog and IndexFile keeps a descriptor and a mapping for as long as it is there, each
// queue in use about two: the file that is written and one that is read. What cannot be is refused
// before anything is opened, rather than found out by an append at night.

/// A resource that the system gives each process so many of.
public enum ProcessResource: CaseIterable, Hashable, Sendable {
    /// Open files: RLIMIT_NOFILE, `ulimit -n`.
    case descriptors
    /// Mapped files and other stretches of memory: vm.max_map_count.
    case mappings
}

/// What a store may need of a resource, beside what there is of it.
public struct LimitForecast: Hashable, Sendable, CustomStringConvertible {
    public let resource: ProcessResource
    /// What the store's files may take, with as many queues in use as there are.
    public let needed: Int
    /// What the process had in use when it was asked, the store not counted.
    public let inUse: Int
    /// What the process may have altogether.
    public let limit: Int

    public init(resource: ProcessResource, needed: Int, inUse: Int, limit: Int) {
        self.resource = resource
        self.needed = needed
        self.inUse = inUse
        self.limit = limit
    }

    /// Above this part of the limit the observer is told.
    var isNear: Bool { Double(inUse) + Double(needed) > 0.8 * Double(limit) }
    var isBeyond: Bool { needed > limit - inUse }

    public var description: String {
        let (what, how) =
            switch resource {
            case .descriptors: ("file descriptors", "ulimit -n, or LimitNOFILE of a unit")
            case .mappings: ("memory mappings", "sysctl vm.max_map_count")
            }
        return "the store may need \(needed) \(what); the process may have \(limit), of which "
            + "\(inUse) are in use: raise the limit (\(how)), or keep fewer or larger files"
    }
}
