// What the system says of a directory, its file system, its device and itself.

import ApusSystem
import Bench
import Foundation

/// What a diagnosis knows without measuring.
struct HostFacts: Sendable {
    var directory = ""
    var kernel = ""
    var mount: Mount?
    /// Options in force, the built-in ones too, where the file system lists them (ext4).
    var optionsInForce: [String]?
    var device: BlockDevice?
    var freeByteCount = 0
    var byteCount = 0
    var memoryByteCount = 0
    /// From how many dirty bytes on the kernel writes by itself, and from how many on it holds
    /// writers back.
    var backgroundDirtyByteCount: Int?
    var dirtyByteCount: Int?
    /// How old dirty pages get before the kernel writes them by itself.
    var dirtyExpireMilliseconds: Int?
    var limits: ProcessLimits?
    var clockSource: String?
    var loadAverage: Double?
    var processors = 1
    var isHypervised = false

    var fileSystem: String { mount?.type ?? "" }
    var usedPercent: Double {
        byteCount == 0 ? 0 : 100 - Double(freeByteCount) / Double(byteCount) * 100
    }

    /// Whether ext4 has a journal; nil for others, or when it does not say.
    var hasJournal: Bool? {
        guard fileSystem == "ext4", let optionsInForce else { return nil }
        return optionsInForce.contains { $0.hasPrefix("data=") }
    }

    /// Whether the file system leaves out the flushes of the device's cache.
    var skipsBarriers: Bool {
        let all = (mount?.options ?? []) + (optionsInForce ?? [])
        return all.contains("nobarrier") || all.contains("barrier=0")
    }

    /// Reads what there is about `directory`, which must exist.
    static func gather(_ directory: String, _ files: SystemFiles = .live) -> HostFacts {
        var facts = HostFacts()
        let path = files.resolve(directory)
        facts.directory = path
        facts.kernel = files.line("/proc/sys/kernel/osrelease") ?? ""
        facts.mount = MountTable.mount(
            of: path, in: MountTable.parse(files.read("/proc/self/mountinfo") ?? ""))
        if let mount = facts.mount {
            facts.device = BlockDevice.find(mount.deviceNumber, in: files)
            facts.optionsInForce = optionsInForce(mount, files)
        }
        facts.memoryByteCount = (meminfo("MemTotal", files) ?? 0) << 10
        let available = (meminfo("MemAvailable", files) ?? 0) << 10
        facts.backgroundDirtyByteCount = dirtyLimit("dirty_background", of: available, files)
        facts.dirtyByteCount = dirtyLimit("dirty", of: available, files)
        facts.dirtyExpireMilliseconds =
            files.number("/proc/sys/vm/dirty_expire_centisecs").map { $0 * 10 }
        facts.clockSource = files.line(
            "/sys/devices/system/clocksource/clocksource0/current_clocksource")
        facts.loadAverage = files.line("/proc/loadavg")?.split(separator: " ").first
            .flatMap { Double($0) }
        facts.isHypervised =
            files.read("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("flags") }?
            .split(separator: " ").contains("hypervisor") ?? false
        return facts
    }

    /// What only the running process can ask for.
    mutating func askSystem() throws {
        limits = ProcessLimits.current()
        processors = ProcessInfo.processInfo.activeProcessorCount
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else {
            throw BenchError("\(directory): \(String(cString: strerror(errno)))")
        }
        byteCount = Int(clamping: UInt64(status.f_blocks) * UInt64(status.f_frsize))
        freeByteCount = Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    private static func optionsInForce(_ mount: Mount, _ files: SystemFiles) -> [String]? {
        guard mount.type == "ext4" else { return nil }
        let name = files.resolve(mount.source).split(separator: "/").last ?? ""
        return files.read("/proc/fs/ext4/\(name)/options")?.split(separator: "\n").map(String.init)
    }

    /// Kibibytes of a line of /proc/meminfo.
    private static func meminfo(_ name: String, _ files: SystemFiles) -> Int? {
        let line = files.read("/proc/meminfo")?.split(separator: "\n")
            .first { $0.hasPrefix("\(name):") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    /// A limit in bytes where one is set, else as a share of the memory that is available.
    private static func dirtyLimit(
        _ name: String, of available: Int, _ files: SystemFiles
    ) -> Int? {
        if let bytes = files.number("/proc/sys/vm/\(name)_bytes"), bytes > 0 { return bytes }
        return files.number("/proc/sys/vm/\(name)_ratio").map { available / 100 * $0 }
    }
}
