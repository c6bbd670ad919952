// Mappings of files that lose their pages: what is guarded lives on and knows of it, and what is
// not goes where it would have gone.

import Foundation
import Glibc
import Synchronization
import Testing

@testable import ApusSystem

/// A file of four pages of 7, mapped, in a directory of its own.
private final class Mapped: Sendable {
    let path = NSTemporaryDirectory() + "apus-\(UUID().uuidString)"
    let file: any DiskFile
    let bytes: MappedBytes

    init(_ disk: any Disk, writable: Bool = true) throws {
        file = try disk.open(path, .create)
        try file.write([UInt8](repeating: 7, count: 16_384).span.bytes, at: 0)
        bytes = try file.map(count: 16_384, writable: writable)
    }

    deinit {
        file.unmap(bytes)
        file.close()
        unlink(path)
    }

    func cut(to count: Int) { truncate(path, count) }

    func store(_ value: UInt8, at offset: Int) {
        bytes.withMutable { $0.storeBytes(of: value, toByteOffset: offset, as: UInt8.self) }
    }

    var fault: DiskError? { file.mappingGuard?.fault }
}

@Suite("guarded mappings") struct GuardTests {
    let guards = MappingGuards()
    let disk: any Disk

    init() { disk = SystemDisk().guarded(by: guards) }

    @Test("a page that is gone reads as zeros, and its mapping says where the first of them was")
    func reading() throws {
        let cut = try Mapped(disk, writable: false)
        let whole = try Mapped(disk)
        #expect(cut.bytes.byte(at: 9_000) == 7 && cut.fault == nil)
        cut.cut(to: 8_192)
        #expect(cut.bytes.byte(at: 9_000) == 0)
        #expect(cut.bytes.byte(at: 12_288) == 0)
        #expect(cut.bytes.byte(at: 8_191) == 7, "what is left is there")
        let fault = try #require(cut.fault)
        #expect(
            "\(fault)"
                == "cannot reach byte 9000 through the mapping of \(cut.path): "
                + "Input/output error (errno 5)")
        #expect(guards.faults == [fault])
        #expect(guards.takeNewFaults() == [fault] && guards.takeNewFaults().isEmpty)
        #expect(whole.fault == nil && whole.bytes.byte(at: 9_000) == 7)
    }

    @Test("a store to a page that is gone is lost, and no sync of the file succeeds any more")
    func storing() throws {
        let cut = try Mapped(disk)
        try cut.file.sync()
        cut.cut(to: 4_096)
        cut.store(9, at: 5_000)
        #expect(cut.bytes.byte(at: 5_000) == 9)
        // As long as before, but without what was stored.
        cut.cut(to: 16_384)
        let fault = try #require(cut.fault)
        #expect(throws: fault) { try cut.file.sync() }
        #expect(throws: fault) { try cut.file.sync() }
    }

    @Test("a sync fails when another mapping of the file, which is no more, lost a store")
    func otherMapping() throws {
        let cut = try Mapped(disk)
        let other = try disk.open(cut.path, .readWrite)
        let bytes = try other.map(count: 16_384, writable: true)
        cut.cut(to: 4_096)
        bytes.withMutable { $0.storeBytes(of: UInt8(9), toByteOffset: 5_000, as: UInt8.self) }
        let fault = try #require(other.mappingGuard?.fault)
        #expect(cut.fault == nil)
        other.unmap(bytes)
        #expect(other.mappingGuard == nil)
        cut.cut(to: 16_384)
        #expect(throws: fault) { try cut.file.sync() }
    }

    @Test("a sync of a file that lost pages which nobody touched since fails")
    func untouched() throws {
        let cut = try Mapped(disk)
        cut.store(9, at: 5_000)
        cut.cut(to: 4_096)
        let error = try #require(throws: DiskError.self) { try cut.file.sync() }
        #expect(error.description.hasPrefix("cannot sync behind byte 4096, where it ends now, of"))
        #expect(cut.fault == nil)
    }

    @Test("reading ahead finds the page that is gone at the end of a range")
    func readingAhead() throws {
        let cut = try Mapped(disk)
        cut.cut(to: 12_288)
        let one = try #require(cut.file.mappingGuard)
        #expect(one.fault(reading: 100..<12_288) == nil)
        #expect(one.fault(reading: 0..<0) == nil)
        #expect(one.fault(reading: 8_000..<12_289) != nil)
    }

    @Test("what was settled is settled once; a new fault is not, in whichever store it was")
    func settling() throws {
        let cut = try Mapped(disk)
        cut.cut(to: 0)
        _ = cut.bytes.byte(at: 0)
        var seen: [[DiskError]] = []
        guards.settle { seen.append($0) }
        #expect(seen == [[try #require(cut.fault)]])
        let other = try Mapped(disk)
        other.cut(to: 0)
        _ = other.bytes.byte(at: 1)
        guards.settle { seen.append($0) }
        #expect(seen.last?.count == 2)
    }

    @Test("threads that meet the same pages at once, beside mappings that come and go, live")
    func threads() throws {
        let cut = try Mapped(disk)
        cut.cut(to: 0)
        let errors = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for round in 0..<200 {
                if thread % 2 == 0 {
                    _ = cut.bytes.byte(at: (round * 4_096 + thread) % 16_384)
                    if cut.fault == nil { errors.add(1, ordering: .relaxed) }
                } else if let one = try? Mapped(disk) {
                    one.cut(to: round % 2 * 16_384)
                    _ = one.bytes.byte(at: 5)
                    let isRight = (one.fault == nil) == (round % 2 == 1)
                    if !isRight { errors.add(1, ordering: .relaxed) }
                } else {
                    errors.add(1, ordering: .relaxed)
                }
            }
        }
        #expect(errors.load(ordering: .relaxed) == 0)
    }
}

// MARK: - Other mappings

/// Has the process end with 40 plus the byte of the page that was touched.
private func installForeignHandler() {
    var action = sigaction()
    action.sa_flags = SA_SIGINFO
    action.__sigaction_handler.sa_sigaction = { _, info, _ in
        let address = info.flatMap { UInt(bitPattern: $0.pointee._sifields._sigfault.si_addr) } ?? 0
        _exit(40 + Int32(address % 4_096))
    }
    sigaction(SIGBUS, &action, nil)
}

@Suite("SIGBUS outside of guarded mappings") struct ForeignFaultTests {
    @Test("a fault goes to the handler that was there before, with its address")
    func handler() async {
        await #expect(processExitsWith: .exitCode(43)) {
            installForeignHandler()
            let guarded = try Mapped(SystemDisk().guarded(by: MappingGuards()))
            let foreign = try Mapped(SystemDisk())
            guarded.cut(to: 0)
            foreign.cut(to: 0)
            #expect(guarded.bytes.byte(at: 1) == 0)
            _ = foreign.bytes.byte(at: 8_195)
        }
    }

    @Test("a mapping that was guarded and is no more does not count")
    func removed() async {
        await #expect(processExitsWith: .exitCode(42)) {
            installForeignHandler()
            let disk = SystemDisk().guarded(by: MappingGuards())
            let gone = try disk.open("/proc/self/exe", .readOnly)
            let bytes = try gone.map(count: 16_384, writable: false)
            gone.unmap(bytes)
            let foreign = try Mapped(SystemDisk())
            foreign.cut(to: 0)
            // Most likely where the guarded one was.
            _ = foreign.bytes.byte(at: 2)
        }
    }

    @Test("without a handler a fault ends the process as it always did")
    func standard() async {
        await #expect(processExitsWith: .signal(SIGBUS)) {
            // A sanitizer has one of its own.
            signal(SIGBUS, SIG_DFL)
            _ = MappingGuards()
            let foreign = try Mapped(SystemDisk())
            foreign.cut(to: 0)
            _ = foreign.bytes.byte(at: 0)
        }
    }

    @Test("a signal that someone sends ends the process too, unless it was ignored")
    func sent() async {
        await #expect(processExitsWith: .signal(SIGBUS)) {
            // A sanitizer has one of its own.
            signal(SIGBUS, SIG_DFL)
            _ = MappingGuards()
            raise(SIGBUS)
            exit(0)
        }
        await #expect(processExitsWith: .exitCode(7)) {
            signal(SIGBUS, SIG_IGN)
            _ = MappingGuards()
            raise(SIGBUS)
            exit(7)
        }
    }

    @Test("a mapping for which the table has no room works unguarded, and is told of")
    func fullTable() async {
        await #expect(processExitsWith: .signal(SIGBUS)) {
            // A sanitizer has one of its own.
            signal(SIGBUS, SIG_DFL)
            let guards = MappingGuards()
            let fillers = MappedBytes.allocate(count: 1)
            var count = 0
            while let one = guards.add(fillers, isWritable: false, path: "filler") {
                if count == 0 { guards.remove(one) }
                count += 1
            }
            guard count == 65_537, guards.takeUnguarded() == "filler" else { exit(1) }
            let more = try Mapped(SystemDisk().guarded(by: guards))
            guard guards.takeUnguarded() == more.path, guards.takeUnguarded() == nil,
                more.file.mappingGuard == nil, more.bytes.byte(at: 5) == 7
            else { exit(1) }
            try more.file.sync()
            more.cut(to: 0)
            _ = more.bytes.byte(at: 5)
        }
    }
}
