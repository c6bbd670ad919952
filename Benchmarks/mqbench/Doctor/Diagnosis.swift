// What is said of a system: each sentence with what it rests on.

import ApusStore

/// One thing that is found.
struct DoctorFinding: Equatable, Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case cost, faster, safer, note

        var title: String {
            switch self {
            case .cost: "What it costs"
            case .faster: "What would make it faster"
            case .safer: "What would make it safer"
            case .note: "Besides"
            }
        }
    }

    let kind: Kind
    let text: String
    /// What was read or measured.
    let basis: String
}

/// Whether an acknowledged message is there after an accident.
struct Survival: Equatable, Sendable {
    enum Answer: String, Sendable {
        case kept, lost
        /// All but the last moments.
        case partly
        /// Somebody else decides whom nobody here can ask.
        case unknown
    }

    let accident: String
    let answer: Answer
    let text: String
    let basis: String
}

/// The settings that are asked about.
struct DoctorSettings: Sendable {
    let flush: FlushSettings

    var isSync: Bool { flush.mode == .sync }

    var inWords: String {
        isSync
            ? "SYNC_FLUSH"
            : "ASYNC_FLUSH, interval \(flush.intervalMilliseconds) ms, least pages"
                + " \(flush.leastPages)"
    }

    /// What ASYNC_FLUSH lets wait.
    var exposure: String {
        "the last \(flush.intervalMilliseconds) ms, or \(max(flush.leastPages, 1) * 4) KiB of the"
            + " last \(flush.thoroughIntervalMilliseconds / 1_000) s when there is little to do"
    }
}

/// Rules that make findings of facts, each in a file of its own.
struct Diagnosis: Sendable {
    let settings: DoctorSettings
    let facts: HostFacts
    let cost: SyncCost

    /// File systems in memory.
    var isInMemory: Bool {
        ["tmpfs", "ramfs"].contains(facts.fileSystem) || facts.device?.isMemory == true
    }

    /// File systems behind which another machine or program keeps the bytes.
    var isElsewhere: Bool {
        let type = facts.fileSystem
        return ["nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph", "glusterfs"].contains(type)
            || type.hasPrefix("fuse")
    }

    var mountBasis: String {
        guard let mount = facts.mount else { return "/proc/self/mountinfo names no mount" }
        return "/proc/self/mountinfo: \(mount.type) on \(mount.path),"
            + " \(mount.options.joined(separator: ","))"
    }

    var cacheBasis: String? {
        guard let device = facts.device, let cache = device.writeCache else { return nil }
        return "/sys/block/\(device.name)/queue/write_cache: \(cache.rawValue)"
    }

    var survivals: [Survival] { [processKill, kernelCrash, powerCut] }

    var findings: [DoctorFinding] {
        let all = costs + speed + safety + notes
        return DoctorFinding.Kind.allCases.flatMap { kind in all.filter { $0.kind == kind } }
    }
}
