// Files as the C loops take them: equally long, mapped, and told apart by an array of pointers.

import Bench
import CRoofline
import Foundation

/// Mapped files of equal length that follow each other.
final class MappedPieces {
    let pieces: croofline_pieces
    private let starts: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
    private var mapped = 0
    private let byteCount: Int
    private let count: Int

    private init(count: Int, byteCount: Int) {
        self.count = count
        self.byteCount = byteCount
        starts = .allocate(capacity: max(1, count))
        starts.initialize(repeating: nil, count: max(1, count))
        pieces = croofline_pieces(
            starts: UnsafePointer(starts), count: Int64(count), bytes: Int64(byteCount))
    }

    /// Makes `count` files in `directory`: room allocated, mapped, every page brought in for
    /// writing.
    convenience init(making count: Int, in directory: String, byteCount: Int) throws {
        self.init(count: count, byteCount: byteCount)
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        for index in 0..<count { try map("\(directory)/\(index)", makes: true) }
    }

    /// Maps files that are there, to read. All must have the length of the first.
    convenience init(mapping paths: [String]) throws {
        let sizes = try paths.map { path in
            try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        }
        guard let byteCount = sizes.first, byteCount > 0, sizes.allSatisfy({ $0 == byteCount })
        else { throw BenchError("files of different or no length: \(paths)") }
        self.init(count: paths.count, byteCount: byteCount)
        for path in paths { try map(path, makes: false) }
    }

    private func map(_ path: String, makes: Bool) throws {
        let descriptor = open(path, makes ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY, 0o644)
        guard descriptor >= 0 else { throw failure("open", path, errno) }
        defer { close(descriptor) }
        if makes {
            let code = posix_fallocate(descriptor, 0, byteCount)
            guard code == 0 else { throw failure("allocate", path, code) }
        }
        let protection = makes ? PROT_READ | PROT_WRITE : PROT_READ
        guard let memory = mmap(nil, byteCount, protection, MAP_SHARED, descriptor, 0),
            memory != MAP_FAILED
        else { throw failure("map", path, errno) }
        starts[mapped] = memory.assumingMemoryBound(to: UInt8.self)
        mapped += 1
        // MADV_POPULATE_WRITE and MADV_POPULATE_READ. An older kernel takes the faults instead.
        if makes {
            _ = madvise(memory, byteCount, 23)
        } else {
            for data in stretches(of: descriptor) {
                let start = data.lowerBound & ~4095
                _ = madvise(memory + start, min(data.upperBound, byteCount) - start, 22)
            }
        }
    }

    /// Where a file holds anything. What was never written is not brought in: who opens the file
    /// later would find all of it in memory, as it is on no machine.
    private func stretches(of descriptor: Int32) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var end = 0
        while true {
            let start = lseek(descriptor, end, 3)  // SEEK_DATA
            guard start >= 0 else { return found }
            end = lseek(descriptor, start, 4)  // SEEK_HOLE
            guard end > start else { return found }
            found.append(start..<end)
        }
    }

    private func failure(_ operation: String, _ path: String, _ code: Int32) -> BenchError {
        BenchError("\(operation) \(path): \(String(cString: strerror(code)))")
    }

    /// A copy of the first bytes of the first file.
    func prefix(_ count: Int) -> [UInt8] {
        Array(UnsafeBufferPointer(start: starts[0], count: min(count, byteCount)))
    }

    /// The first byte of the first file.
    var start: UnsafePointer<UInt8>? { UnsafePointer(starts[0]) }

    deinit {
        for index in 0..<mapped { munmap(starts[index], byteCount) }
        starts.deallocate()
    }
}
