// The doctor: tables of the kernel read right, bad ones passed over, and what is concluded.

import ApusStore
import Foundation
import Histogram
import TestSupport
import Testing

@testable import mqbench

private let mountinfo = """
    22 27 0:21 / /proc rw,relatime - proc proc rw
    27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard
    28 27 8:17 / /data rw,noatime shared:5 master:2 - xfs /dev/sdb1 rw,attr2
    29 27 0:40 / /data/with\\040blank rw - tmpfs none rw,size=4k
    30 27 7:0 /sub /data rw,relatime - ext4 /dev/loop0 rw,nobarrier
    """

@Test("the mount of a path is the longest, and of two on one place the one that hides the other")
func mounts() throws {
    let table = MountTable.parse(mountinfo)
    #expect(table.count == 5)
    func source(_ path: String) -> String? { MountTable.mount(of: path, in: table)?.source }
    #expect(source("/") == "/dev/vda1")
    #expect(source("/database") == "/dev/vda1")
    #expect(source("/data") == "/dev/loop0")
    #expect(source("/data/store/") == "/dev/loop0")
    #expect(source("/data/with blank/x") == "none")
    let root = try #require(MountTable.mount(of: "/home", in: table))
    #expect(root.options == ["rw", "relatime", "discard"] && root.deviceNumber == "254:1")
}

@Test(
    "lines that are no mounts are passed over",
    arguments: [
        "", "\n\n", "27 1 254:1", "a b c d e f g h i j", "27 1 254:1 / / rw shared:1 ext4 x rw y",
        "27 1 254:1 / / rw - ext4", "27 1 254 / / rw - ext4 /dev/x rw a b c", "- - - - - - - - - -",
        "27 1 254:1 / / rw x y z -",
    ])
func badMounts(text: String) {
    #expect(MountTable.parse(text).isEmpty)
    #expect(MountTable.mount(of: "/", in: MountTable.parse(text)) == nil)
}

@Test("a backslash that begins no number stays one")
func badEscapes() {
    let table = MountTable.parse("1 2 3:4 / /a\\04\\999\\ rw - ext4 /dev/x rw")
    #expect(table.map(\.path) == ["/a\\04\\999\\"])
}

/// A system made of texts.
private func system(
    _ texts: [String: String], links: [String: String] = [:]
) -> SystemFiles {
    SystemFiles(read: { texts[$0] }, resolve: { links[$0] ?? $0 }, list: { _ in [] })
}

private let disk = "/sys/devices/pci/block/sdb"

@Test("a partition is described by the disk that it is on, and bad values by nothing")
func devices() throws {
    let links = ["/sys/dev/block/8:17": "\(disk)/sdb1"]
    let good = system(
        [
            "\(disk)/sdb1/partition": "1\n", "\(disk)/dev": "8:16\n",
            "\(disk)/queue/write_cache": "write back\n", "\(disk)/queue/rotational": "0\n",
            "\(disk)/queue/fua": "1\n",
        ], links: links)
    let device = try #require(BlockDevice.find("8:17", in: good))
    #expect(device.name == "sdb" && device.writeCache == .volatile)
    #expect(device.isRotational == false && device.hasForcedUnitAccess == true)
    #expect(device.isDirectAccess == nil && !device.isVirtual && !device.isLoop)
    let odd = system(
        [
            "\(disk)/sdb1/dev": "8:17", "\(disk)/sdb1/queue/write_cache": "sideways",
            "\(disk)/sdb1/queue/rotational": "maybe",
        ], links: links)
    let unknown = try #require(BlockDevice.find("8:17", in: odd))
    #expect(unknown.writeCache == nil && unknown.isRotational == nil)
    #expect(BlockDevice.find("0:40", in: good) == nil)
    #expect(BlockDevice.find("", in: system([:])) == nil)
}

private func facts(
    _ path: String, _ more: [String: String] = [:]
) -> HostFacts {
    let base = [
        "/proc/self/mountinfo": mountinfo, "/proc/sys/kernel/osrelease": "6.1\n",
        "/proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 500 kB\n",
        "/proc/sys/vm/dirty_ratio": "20\n", "/proc/sys/vm/dirty_bytes": "0\n",
        "/proc/sys/vm/dirty_background_bytes": "4096\n", "/proc/loadavg": "0.10 0.1 0.1 1/2 3\n",
        "\(disk)/dev": "8:16", "\(disk)/queue/write_cache": "write back",
        "/sys/block/loop0/dev": "7:0", "/sys/block/loop0/queue/write_cache": "write back",
        "/sys/block/loop0/loop/backing_file": "/big.img", "/sys/block/vda/dev": "254:0",
        "/sys/block/vda/vda1/partition": "1", "/sys/block/vda/queue/write_cache": "write back",
    ]
    let links = [
        "/sys/dev/block/8:17": disk, "/sys/dev/block/7:0": "/sys/block/loop0",
        "/sys/dev/block/254:1": "/sys/block/vda/vda1",
    ]
    return HostFacts.gather(path, system(base.merging(more) { $1 }, links: links))
}

private func diagnosis(_ facts: HostFacts, sync: Bool, sync50: Int64 = 100_000) -> Diagnosis {
    var flush = StoreConfiguration().flush
    flush.mode = sync ? .sync : .async
    flush.intervalMilliseconds = 250
    var latency = Histogram()
    latency.record(sync50)
    return Diagnosis(
        settings: DoctorSettings(flush: flush), facts: facts,
        cost: SyncCost([(name: "pwrite, fdatasync", latency: latency)]))
}

private func answers(_ diagnosis: Diagnosis) -> [Survival.Answer] {
    diagnosis.survivals.map(\.answer)
}

@Test("limits are read in either form, and a missing or odd file leaves a gap")
func hostFacts() {
    let found = facts("/data/x")
    #expect(found.kernel == "6.1" && found.loadAverage == 0.1 && found.memoryByteCount == 1_024_000)
    #expect(found.dirtyByteCount == 512_000 / 100 * 20 && found.backgroundDirtyByteCount == 4_096)
    let odd = HostFacts.gather(
        "/", system(["/proc/self/mountinfo": "junk", "/proc/sys/vm/dirty_ratio": "much"]))
    #expect(odd.mount == nil && odd.dirtyByteCount == nil && odd.fileSystem == "")
    #expect(answers(diagnosis(odd, sync: true)) == [.kept, .kept, .unknown])
}

@Test("an acknowledgement survives what file system, mount and device let it survive")
func survival() {
    let xfs = mountinfo.components(separatedBy: "\n").prefix(3).joined(separator: "\n")
    func on(_ path: String, _ more: [String: String] = [:], sync: Bool = true)
        -> [Survival.Answer]
    {
        answers(diagnosis(facts(path, more), sync: sync))
    }
    // A disk with a volatile cache, and a file system that flushes it.
    #expect(on("/data", ["/proc/self/mountinfo": xfs]) == [.kept, .kept, .kept])
    #expect(on("/data", ["/proc/self/mountinfo": xfs], sync: false) == [.kept, .partly, .partly])
    // nobarrier: the cache is not flushed, but outlives the kernel.
    #expect(on("/data") == [.kept, .kept, .lost])
    // A loop device is as safe as its file.
    let barriers = mountinfo.replacingOccurrences(of: ",nobarrier", with: "")
    #expect(on("/data", ["/proc/self/mountinfo": barriers]) == [.kept, .kept, .unknown])
    // Memory, and files elsewhere.
    #expect(on("/data/with blank") == [.kept, .lost, .lost])
    let nfs = xfs.replacingOccurrences(
        of: "8:17 / /data rw,noatime shared:5 master:2 - xfs",
        with: "0:50 / /data rw - nfs4")
    #expect(on("/data", ["/proc/self/mountinfo": nfs]) == [.kept, .unknown, .unknown])
    // A hypervisor's disk: with a cache, flushes are passed on; without, nobody knows.
    #expect(on("/") == [.kept, .kept, .kept])
    #expect(
        on("/", ["/sys/block/vda/queue/write_cache": "write through"])
            == [.kept, .kept, .unknown])
}

@Test("what would make it faster or safer is said where it applies, each with what it rests on")
func findings() throws {
    func texts(_ diagnosis: Diagnosis, _ kind: DoctorFinding.Kind) -> String {
        diagnosis.findings.filter { $0.kind == kind }.map(\.text).joined(separator: "\n")
    }
    let loop = facts("/data", ["/proc/fs/ext4/loop0/options": "rw\nnobarrier\ncommit=5\n"])
    #expect(loop.hasJournal == false)
    let bad = diagnosis(loop, sync: true)
    #expect(texts(bad, .safer).contains("nobarrier") && texts(bad, .safer).contains("no journal"))
    #expect(texts(bad, .faster).contains("share a sync"))
    #expect(texts(bad, .cost).contains("at most 10,000 a second"))
    let ordered = facts("/data", ["/proc/fs/ext4/loop0/options": "rw\ndata=ordered\n"])
    #expect(ordered.hasJournal == true && facts("/data").hasJournal == nil)
    #expect(!texts(diagnosis(ordered, sync: true), .safer).contains("journal"))
    let root = diagnosis(facts("/"), sync: false, sync50: 4_000_000)
    #expect(texts(root, .faster).contains("discard"))
    #expect(texts(root, .faster).contains("The host takes 4 ms"))
    #expect(texts(root, .safer).contains("SYNC_FLUSH"))
    #expect(texts(root, .cost).contains("waits for no device"))
    #expect(texts(diagnosis(facts("/"), sync: true, sync50: 900), .safer).contains("hardly"))
    var full = facts("/")
    (full.byteCount, full.freeByteCount) = (1_000, 80)
    #expect(texts(diagnosis(full, sync: true), .note).contains("refuses appends"))
    (full.loadAverage, full.processors) = (3, 2)
    #expect(texts(diagnosis(full, sync: true), .note).contains("Somebody else"))
    for one in bad.findings + root.findings { #expect(!one.basis.isEmpty && !one.text.isEmpty) }
    #expect(root.text.components(separatedBy: "\n").dropFirst(8).allSatisfy { $0.count <= 80 })
}

@Test("the program says what it found, as text and as JSON, and leaves nothing behind")
func doctorProgram() throws {
    let run = try Run("doctor --smoke --flush sync")
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output.contains("SYNC_FLUSH") && run.output.contains("\nWhat it costs\n"))
    #expect(run.leftovers == [])
    let object = try Run("doctor --smoke --json").object()
    #expect((object["acknowledged"] as? [[String: String]])?.count == 3)
    let facts = try #require(object["facts"] as? [String: Any])
    #expect((facts["kernel"] as? String)?.isEmpty == false)
    #expect((facts["fileSystem"] as? String)?.isEmpty == false)
    let syncs = try #require(object["syncs"] as? [[String: Any]])
    #expect(syncs.allSatisfy { $0["p50Nanoseconds"] as? Int ?? 0 > 0 } && !syncs.isEmpty)
    for one in try #require(object["findings"] as? [[String: String]]) {
        #expect(one["basis"]?.isEmpty == false)
    }
}
