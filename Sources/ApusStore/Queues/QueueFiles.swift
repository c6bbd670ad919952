// What a queue knows of its files, and which of them it keeps mapped for reads.
//
// All of it is under a lock that readers spin for. Taking a mapping away costs some 0.2 ms, so what
// is taken off a list here is handed to the caller, who lets it go behind the lock.

/// The files of one queue.
struct QueueFiles {
    /// First entries of the files on disk, ascending.
    var firsts = ShortList<Int64>()
    /// The files that were read last, the newest use first; few, since most readers are at the end.
    private(set) var forReading = ShortList<QueueFile>()
    /// Mappings that were stored to until the file needed a longer one. What a guard found out
    /// about one of them, only its own sync tells.
    private(set) var outgrown: [Outgrown] = []
    /// The lowest readable offset, and the start of the log for which it was found.
    var minimum: (offset: Int64, logStart: Int64) = (0, -1)

    /// A mapping that a longer one has taken the place of, or is about to.
    struct Outgrown {
        let file: QueueFile
        /// Queue offset behind the last entry that may have been stored to it.
        var end: Int64
    }

    /// Files that reads keep mapped at a time.
    private static let readLimit = 4

    /// The file that holds an entry, if it is kept mapped.
    @inline(__always)
    mutating func kept(containing offset: Int64) -> QueueFile? {
        if let held = forReading.first, held.window.contains(offset) { return held }
        return keptBehind(offset)
    }

    @inline(never)
    private mutating func keptBehind(_ offset: Int64) -> QueueFile? {
        guard let index = forReading.firstIndex(where: { $0.window.contains(offset) }) else {
            return nil
        }
        forReading.swapAt(0, index)
        return forReading[0]
    }

    /// Keeps a file mapped for reads, instead of a shorter mapping of it. Answers what is kept no
    /// longer.
    mutating func keep(_ file: QueueFile) -> [QueueFile] {
        var leaving = Array(forReading.filter { $0.window.first == file.window.first })
        forReading.removeAll { $0.window.first == file.window.first }
        if forReading.count >= Self.readLimit { leaving.append(forReading.removeLast()) }
        forReading.insert(file, at: 0)
        return leaving
    }

    /// Lists a file that was made just now, and keeps it mapped. Answers what is kept no longer.
    mutating func add(_ file: QueueFile) -> [QueueFile] {
        firsts.append(file.window.first)
        firsts.sort()
        return keep(file)
    }

    /// Notes that a mapping is about to be appended to no more.
    mutating func outgrow(_ file: QueueFile) {
        outgrown.removeAll { $0.file === file }
        outgrown.append(Outgrown(file: file, end: file.window.end))
    }

    /// Entries from `next` on go to other mappings than those that were outgrown, but for these.
    mutating func limitOutgrown(to next: Int64, except first: QueueFile, _ second: QueueFile?) {
        for index in outgrown.indices
        where outgrown[index].file !== first && outgrown[index].file !== second {
            outgrown[index].end = min(outgrown[index].end, next)
        }
    }

    /// All entries before `end` are on the device, and so say these, which the caller still holds.
    mutating func dropOutgrown(before end: Int64, of synced: [Outgrown]) {
        outgrown.removeAll { old in
            old.end <= end && synced.contains { $0.file === old.file }
        }
    }

    /// Takes the mappings that reads use off their list; the next one maps again.
    mutating func takeKept() -> [QueueFile] {
        defer { forReading = [] }
        return Array(forReading)
    }

    /// Takes files that begin before `lowest` off the list, but not the newest; answers which, and
    /// what was mapped of them.
    mutating func remove(before lowest: Int64) -> (firsts: [Int64], mapped: [QueueFile]) {
        let leaving = Array(firsts.dropLast().filter { $0 < lowest })
        let mapped = Array(forReading.filter { leaving.contains($0.window.first) })
        firsts.removeAll { leaving.contains($0) }
        forReading.removeAll { leaving.contains($0.window.first) }
        return (leaving, mapped)
    }
}
