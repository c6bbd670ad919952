// Memory as a machine has it that has been up for a while: full of pages of files, which the kernel
// uses again for others.
//
// The host of a virtual machine takes memory back that nobody uses, and finds it again page by page
// at a fraction of the speed of memory. A run that begins with free memory measures that.

import Bench
import Foundation

/// A file of zeros whose pages fill the page cache.
struct UsedMemory {
    private let path: String
    /// The most that the file may take of the device.
    private let limit: Int
    private(set) var byteCount = 0

    private static let step = 4 << 20

    /// Of this much the kernel keeps some free whatever is read, and the run may need some.
    private static let spare = Int(ProcessInfo.processInfo.physicalMemory / 64)

    init(_ workplace: Workplace, limit: Int) {
        path = workplace.newPath("memory")
        self.limit = min(limit, Int(ProcessInfo.processInfo.physicalMemory))
    }

    static var freeByteCount: Int { sysconf(Int32(_SC_AVPHYS_PAGES)) * Int(getpagesize()) }

    /// Reads the file again, and makes it longer, until no memory is free but what is spared. Then
    /// all of it is on the device.
    mutating func fill() throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure }
        defer { close(descriptor) }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.step, alignment: 4096)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        var position = 0
        while Self.freeByteCount > Self.spare, position + Self.step <= max(limit, byteCount) {
            Console.progress("used memory: \(Self.freeByteCount >> 20) MiB are free")
            let count =
                position < byteCount
                ? pread(descriptor, memory.baseAddress, Self.step, position)
                : pwrite(descriptor, memory.baseAddress, Self.step, position)
            // Less than all of it: there is no room for more.
            if count >= 0, count < Self.step { errno = ENOSPC }
            guard count == Self.step else { throw failure }
            position += count
            byteCount = max(byteCount, position)
        }
        guard fsync(descriptor) == 0 else { throw failure }
        Console.endProgress()
    }

    private var failure: BenchError {
        BenchError("cannot fill memory with \(path): \(String(cString: strerror(errno)))")
    }

    /// A line for people.
    var note: String {
        let free = Self.freeByteCount
        return "memory was filled with pages of a file of \(byteCount >> 20) MiB before"
            + (free > 2 * Self.spare ? ", but \(free >> 20) MiB of it are free" : "")
    }
}
