// On which processors the calling thread may run.

import Glibc
import Testing

/// The C library hides these two calls from Swift.
enum Affinity {
    private typealias Call = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32

    private static func call(_ name: String, _ set: inout cpu_set_t) {
        let function = unsafeBitCast(dlsym(nil, name), to: Call.self)
        let code = function(0, MemoryLayout<cpu_set_t>.size, &set)
        #expect(code == 0)
    }

    static func allowed() -> cpu_set_t {
        var set = cpu_set_t()
        call("sched_getaffinity", &set)
        return set
    }

    static func allow(_ set: cpu_set_t) {
        var set = set
        call("sched_setaffinity", &set)
    }

    /// The set of one processor.
    static func only(_ processor: Int32) -> cpu_set_t {
        var set = cpu_set_t()
        withUnsafeMutableBytes(of: &set) { $0[Int(processor) / 8] = 1 << UInt8(processor % 8) }
        return set
    }

    static func bits(_ set: cpu_set_t) -> [UInt] {
        withUnsafeBytes(of: set) { Array($0.bindMemory(to: UInt.self)) }
    }

    /// The numbers of the processors in a set.
    static func processors(_ set: cpu_set_t) -> [Int32] {
        var found: [Int32] = []
        for (number, word) in bits(set).enumerated() {
            for bit in 0..<64 where word >> UInt(bit) & 1 == 1 {
                found.append(Int32(64 * number + bit))
            }
        }
        return found
    }
}
