// Who is woken on the processor of who rang, and goes away from there.

import Glibc
import Synchronization
import Testing

@testable import ApusSystem

@Suite("signals", .timeLimit(.minutes(1))) struct SignalTests {
    /// The C library hides these two from Swift.
    private typealias Affinity = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32

    private static func call(_ name: String, _ set: inout cpu_set_t) {
        let function = unsafeBitCast(dlsym(nil, name), to: Affinity.self)
        let code = function(0, MemoryLayout<cpu_set_t>.size, &set)
        #expect(code == 0)
    }

    private static func allowed() -> cpu_set_t {
        var set = cpu_set_t()
        call("sched_getaffinity", &set)
        return set
    }

    private static func allow(_ set: cpu_set_t) {
        var set = set
        call("sched_setaffinity", &set)
    }

    private static func bits(_ set: cpu_set_t) -> [UInt] {
        withUnsafeBytes(of: set) { Array($0.bindMemory(to: UInt.self)) }
    }

    /// Rings for a thread on the same processor, and answers where that one was before and after
    /// it had left, and whether it may run where it could.
    private func ring() throws -> (before: Int32, after: Int32, isFree: Bool, rang: Int32) {
        struct Found { var before: Int32 = -1, after: Int32 = -1, isFree = false }
        final class Shared: Sendable {
            let signal = Signal()
            let isReady = Flag()
            let found = Mutex(Found())
        }
        let shared = Shared()
        let all = Self.allowed()
        defer { Self.allow(all) }
        let here = SystemThread.processor
        var only = cpu_set_t()
        withUnsafeMutableBytes(of: &only) { $0[Int(here) / 8] = 1 << UInt8(here % 8) }
        Self.allow(only)
        let thread = try SystemThread(name: "woken") {
            let seen = shared.signal.current
            _ = shared.isReady.set()
            shared.signal.wait(after: seen)
            // It came here with who made it, and may go now.
            Self.allow(all)
            let before = SystemThread.processor
            shared.signal.leaveRinger()
            let after = SystemThread.processor
            let isFree = Self.bits(Self.allowed()) == Self.bits(all)
            shared.found.withLock { $0 = Found(before: before, after: after, isFree: isFree) }
        }
        while !shared.isReady.isSet { SystemThread.yield() }
        SystemThread.sleep(nanoseconds: 2_000_000)
        shared.signal.ring()
        thread.join()
        let found = shared.found.withLock { $0 }
        return (found.before, found.after, found.isFree, here)
    }

    @Test("whoever is woken on the processor of who rang leaves it, where there are others")
    func leaves() throws {
        let count = Self.bits(Self.allowed()).reduce(0) { $0 + $1.nonzeroBitCount }
        var wasThere = 0
        for _ in 0..<20 {
            let (before, after, isFree, rang) = try ring()
            #expect(isFree)
            guard before == rang else { continue }
            wasThere += 1
            #expect(count == 1 ? after == rang : after != rang)
        }
        #expect(wasThere > 0)
    }
}
