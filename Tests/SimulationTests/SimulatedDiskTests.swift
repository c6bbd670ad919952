// The disk itself: what it must lose, and what it must not. Without these nothing above says much.

import ApusFormat
import ApusSystem
import TestSupport
import Testing

@testable import Simulation

private func bytes(_ text: String, _ count: Int = 4096) -> [UInt8] {
    Array(text.utf8) + [UInt8](repeating: 7, count: count - text.utf8.count)
}

/// What each of many power cuts leaves of a file; nil where it is gone.
private func outcomes(of disk: SimulatedDisk, _ path: String) -> [[UInt8]?] {
    (1...64).map { seed in
        let after = disk.afterPowerCut(seed: UInt64(seed))
        guard let file = after.names[path] else { return nil }
        var found = [UInt8](repeating: 0, count: file.length)
        var span = found.mutableRawSpan
        _ = file.read(into: &span, at: 0)
        return found
    }
}

private func machine() throws -> SimulatedDisk {
    let disk = SimulatedDisk(SeededNumbers(seed: 1))
    try disk.createDirectories("/d")
    return disk
}

@Suite("a simulated disk") struct SimulatedDiskTests {
    @Test("lists what is directly in a directory, the root among them")
    func list() throws {
        let disk = try machine()
        try disk.createDirectories("/d/e")
        try disk.createDirectories("/dd")
        for path in ["/f", "/d/f", "/d/e/f", "/dd/g"] { _ = try disk.open(path, .create) }
        func names(_ path: String) throws -> [String] { try disk.list(path).map(\.name) }
        #expect(try names("/") == ["d", "dd", "f"])
        #expect(try names("/d") == ["e", "f"])
        #expect(try names("/d/e") == ["f"])
        let paths = ["/", "/d", "/dd", "/d/e", "/d/f", "/d/e/f", "/dd/g", "/f"]
        for path in paths.dropFirst() {
            for other in paths {
                #expect(
                    SimulatedDisk.isParent(other, of: path)
                        == (SimulatedDisk.parent(of: path) == other), "\(other) of \(path)")
            }
        }
    }

    @Test("keeps what was synced under a name that was synced, whatever the cut")
    func synced() throws {
        let disk = try machine()
        let file = try disk.open("/d/f", .create)
        try file.write(bytes("one").rawSpan, at: 0)
        try file.sync()
        try disk.syncDirectory("/d")
        #expect(outcomes(of: disk, "/d/f").allSatisfy { $0 == bytes("one") })
    }

    @Test("keeps any part of what was not synced, by sectors, and now and then none or all")
    func unsynced() throws {
        let disk = try machine()
        let file = try disk.open("/d/f", .create)
        try file.write(bytes("one").rawSpan, at: 0)
        try file.sync()
        try disk.syncDirectory("/d")
        let two = [UInt8](repeating: 9, count: 4096)
        try file.write(two.rawSpan, at: 0)
        let found = outcomes(of: disk, "/d/f").compactMap { $0 }
        #expect(found.contains(bytes("one")) && found.contains(two))
        let torn = found.filter { $0 != bytes("one") && $0 != two }
        #expect(!torn.isEmpty)
        for one in torn {
            for sector in stride(from: 0, to: 4096, by: 512) {
                let part = Array(one[sector..<sector + 512])
                let old = Array(bytes("one")[sector..<sector + 512])
                #expect(part == old || part == Array(two[sector..<sector + 512]))
            }
        }
    }

    @Test("may lose a name, or bring one back, until the directory is synced")
    func names() throws {
        let disk = try machine()
        try disk.open("/d/f", .create).sync()
        #expect(outcomes(of: disk, "/d/f").contains(nil))
        try disk.syncDirectory("/d")
        #expect(!outcomes(of: disk, "/d/f").contains(nil))
        try disk.rename("/d/f", to: "/d/g")
        let moved = (1...64).map { disk.afterPowerCut(seed: $0).names }
        #expect(moved.allSatisfy { ($0["/d/f"] == nil) != ($0["/d/g"] == nil) })
        #expect(moved.contains { $0["/d/f"] != nil } && moved.contains { $0["/d/g"] != nil })
        try disk.unlink("/d/g")
        try disk.syncDirectory("/d")
        #expect(outcomes(of: disk, "/d/g").allSatisfy { $0 == nil })
    }

    @Test("may lose what a failed sync was to write, and a later sync does not write it")
    func failedSync() throws {
        let disk = try machine()
        let file = try disk.open("/d/f", .create)
        try file.write(bytes("one", 8192).rawSpan, at: 0)
        try file.sync()
        try disk.syncDirectory("/d")
        let two = [UInt8](repeating: 9, count: 8192)
        try file.write(two.rawSpan, at: 0)
        disk.plan = FaultPlan(at: disk.operations, kind: .failedSync, isForever: true)
        #expect(throws: DiskError.self) { try file.sync() }
        try file.sync()
        #expect(
            outcomes(of: disk, "/d/f").allSatisfy { $0 != two }, "the second sync saves nothing")
        let mapped = try file.map(count: 8192, writable: true)
        file.dirty(mapped, 0..<8192)
        try file.sync()
        #expect(outcomes(of: disk, "/d/f").allSatisfy { $0 == two }, "made dirty, all is written")
        file.unmap(mapped)
    }

    @Test("fails the operation that was planned, once or for ever, and none before")
    func planned() throws {
        for isForever in [false, true] {
            let disk = try machine()
            disk.plan = FaultPlan(at: disk.operations + 1, kind: .error(5), isForever: isForever)
            #expect(try disk.status("/d") != nil)
            #expect(throws: DiskError.self) { try disk.list("/d") }
            #expect(isForever == ((try? disk.list("/d")) == nil))
        }
    }

    @Test("is off from the planned end on, and a kill leaves all that was stored")
    func end() throws {
        let disk = try machine()
        let file = try disk.open("/d/f", .create)
        try file.write(bytes("one").rawSpan, at: 0)
        #expect(try file.lockFirstByte())
        disk.plan = FaultPlan(at: disk.operations, kind: .end)
        #expect(throws: DiskError.self) { try file.sync() }
        #expect(disk.isOff)
        #expect(throws: DiskError.self) { try disk.status("/d/f") }
        disk.afterKill()
        #expect(try disk.status("/d/f")?.byteCount == 4096)
        #expect(try disk.open("/d/f", .readWrite).lockFirstByte(), "the lock went with the process")
    }

    @Test("tells of bytes that were stored where no room was made")
    func room() throws {
        let disk = try machine()
        let file = try disk.open("/d/f", .create)
        try file.truncate(to: 8192)
        try file.allocate(from: 0, count: 4096)
        let mapped = try file.map(count: 8192, writable: true)
        mapped.withMutable { $0.storeBytes(of: 1, toByteOffset: 100, as: UInt8.self) }
        #expect(disk.storedWithoutRoom() == nil)
        mapped.withMutable { $0.storeBytes(of: 1, toByteOffset: 5000, as: UInt8.self) }
        #expect(disk.storedWithoutRoom()?.1 == 4608)
        file.unmap(mapped)
    }
}
