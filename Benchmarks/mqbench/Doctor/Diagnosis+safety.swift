// What would make an acknowledgement worth more, and what else there is to know.

import ApusSystem
import Bench
import Foundation
import Histogram

extension Diagnosis {
    var safety: [DoctorFinding] {
        var all: [DoctorFinding] = []
        func safer(_ text: String, _ basis: String) {
            all.append(DoctorFinding(kind: .safer, text: text, basis: basis))
        }
        if isInMemory {
            safer("Take a directory on a disk: nothing here outlives the kernel.", mountBasis)
            return all
        }
        if !settings.isSync {
            safer(
                "SYNC_FLUSH acknowledges only what is on the device (flushDiskType=SYNC_FLUSH);"
                    + " a shorter interval takes less back.", settings.inWords)
        }
        if facts.skipsBarriers {
            safer(
                "Mount without nobarrier: a sync must empty the device's cache.", mountBasis)
        }
        if facts.hasJournal == false {
            safer(
                "This ext4 has no journal: after a crash it needs e2fsck before it is mounted,"
                    + " which may drop or move files. tune2fs -j gives it one.",
                "/proc/fs/ext4: no data= among the options in force")
        }
        if let device = facts.device, device.isVirtual {
            safer(
                "Ask whoever runs the host how \(device.name) caches: with a mode that ignores"
                    + " flushes (cache=unsafe) no guest can be safe.",
                cacheBasis ?? "/sys/block/\(device.name)")
        }
        if let own = cost.own, own.p50 < 15_000, facts.device?.writeCache == .volatile {
            safer(
                "A sync takes \(Figure.duration(own.p50)): hardly a device with a volatile cache"
                    + " writes that fast. See whether flushes get there.",
                "measured, \(own.latency.count) syncs; \(cacheBasis ?? "")")
        }
        return all
    }

    var notes: [DoctorFinding] { room + processLimits + disturbance }

    /// Against the levels at which the store deletes and refuses.
    private var room: [DoctorFinding] {
        let used = facts.usedPercent
        guard facts.byteCount > 0 else { return [] }
        let basis = String(
            format: "statvfs: %.0f %% of %@ used, %@ free", used, Self.bytes(facts.byteCount),
            Self.bytes(facts.freeByteCount))
        func note(_ text: String) -> [DoctorFinding] {
            [DoctorFinding(kind: .note, text: text, basis: basis)]
        }
        switch used {
        case 90...:
            return note(
                "The disk is so full that a store refuses appends (diskSpaceWarningLevelRatio,"
                    + " 90 %).")
        case 85...:
            return note(
                "The disk is so full that a store deletes its oldest segments, expired or not"
                    + " (diskSpaceCleanForciblyRatio, 85 %).")
        case 75...:
            return note(
                "Expired segments are deleted at any hour now (diskMaxUsedSpaceRatio, 75 %).")
        default:
            guard facts.freeByteCount < 4 << 30 else { return [] }
            return note("A CommitLog file of 1 GiB and the next one are allocated in full.")
        }
    }

    /// Each CommitLog file keeps a descriptor and a mapping, and a queue in use two.
    private var processLimits: [DoctorFinding] {
        guard let limits = facts.limits else { return [] }
        let left = limits.descriptorLimit - limits.descriptorsInUse
        let segments = facts.byteCount >> 30
        let basis =
            "RLIMIT_NOFILE \(limits.descriptorLimit), vm.max_map_count \(limits.mappingLimit)"
        guard left < segments + 8_192 else { return [] }
        return [
            DoctorFinding(
                kind: .note,
                text: "\(left) files may be open: enough for about"
                    + " \(max(0, (left - segments) / 2)) queues in use beside a log that fills this"
                    + " disk with files of 1 GiB (\(segments)). Raise it (ulimit -n,"
                    + " LimitNOFILE=) for more.",
                basis: basis)
        ]
    }

    private var disturbance: [DoctorFinding] {
        guard let load = facts.loadAverage, load > Double(facts.processors) / 2 else { return [] }
        return [
            DoctorFinding(
                kind: .note,
                text: "Somebody else works on this machine: the figures above are of a busy one.",
                basis: String(
                    format: "/proc/loadavg: %.2f, with %d processors", load, facts.processors))
        ]
    }
}
