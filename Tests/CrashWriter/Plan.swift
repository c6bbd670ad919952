// The command line, and the store's settings that follow from it.

import ApusStore

/// A command line that cannot be carried out, or a tool that cannot do its part.
struct Unusable: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// What a process of this tool is to do.
struct Plan {
    enum Command: String { case write, check }

    let command: Command
    let directory: String
    private(set) var ledger = ""
    /// The directory's: payloads and settings follow from it.
    private(set) var seed: UInt64 = 1
    /// Numbers the processes that work on a directory; no two share one.
    private(set) var run: UInt64 = 0
    private(set) var isSync = false
    /// Acknowledged messages outlive the crash even without a flush: the page cache did.
    private(set) var keepsPageCache = false
    private(set) var threadCount = 3
    /// Messages after which a writer closes the store.
    private(set) var limit = 5_000
    private(set) var defect: Defect?
    /// A file whose first word counts a block recorder's events.
    private(set) var stampPath: String?
    /// The stamps tell of a file system that was shut down: 1 from before the call, 2 from after.
    private(set) var isShutdown = false
    /// Only what happened before this event of the recorder counts.
    private(set) var cut = UInt64.max

    init(_ arguments: [String]) throws(Unusable) {
        guard arguments.count >= 2, let command = Command(rawValue: arguments[0]) else {
            throw Unusable(Self.usage)
        }
        self.command = command
        directory = arguments[1]
        var rest = arguments.dropFirst(2)
        if command == .check, let path = rest.popFirst() { ledger = path }
        while let flag = rest.popFirst() { try take(flag, &rest) }
        if command == .check, ledger.isEmpty { throw Unusable(Self.usage) }
    }

    private mutating func take(_ flag: String, _ rest: inout ArraySlice<String>) throws(Unusable) {
        switch flag {
        case "--sync": isSync = true
        case "--shutdown": isShutdown = true
        case "--page-cache": keepsPageCache = true
        case "--seed": seed = try number(flag, &rest)
        case "--run": run = try number(flag, &rest)
        case "--threads": threadCount = Int(try number(flag, &rest))
        case "--limit": limit = Int(try number(flag, &rest))
        case "--cut": cut = try number(flag, &rest)
        case "--stamp": stampPath = try value(flag, &rest)
        case "--break":
            let name = try value(flag, &rest)
            guard let found = Defect(rawValue: name) else {
                throw Unusable("there is no defect \(name): \(Defect.names)")
            }
            defect = found
        default: throw Unusable("there is no flag \(flag)\n\(Self.usage)")
        }
    }

    private func value(
        _ flag: String, _ rest: inout ArraySlice<String>
    ) throws(Unusable) -> String {
        guard let value = rest.popFirst() else { throw Unusable("\(flag) needs a value") }
        return value
    }

    private func number(
        _ flag: String, _ rest: inout ArraySlice<String>
    ) throws(Unusable) -> UInt64 {
        let text = try value(flag, &rest)
        guard let number = UInt64(text) else { throw Unusable("\(flag) needs a number") }
        return number
    }

    static let usage = """
        usage: crash-writer write DIRECTORY [flags]          ledger records go to standard output
               crash-writer check DIRECTORY LEDGER [flags]
          --seed N      of the directory          --run N       of this process, no two the same
          --sync        SYNC_FLUSH                --page-cache  the crash spared the page cache
          --threads N   writers                   --limit N     messages, then close
          --stamp FILE  a recorder's counter      --cut N       event of the recorder to stop at
          --shutdown    stamps tell of one
          --break NAME  \(Defect.names)
        """

    /// Small files, so that each of them rolls within a run; intervals that follow from the run, so
    /// that the marks move at other times in each.
    var configuration: StoreConfiguration {
        var shape = Numbers(seed: seed, stream: 1)
        var pace = Numbers(seed: seed, stream: run << 8 | 2)
        func pick<Value>(_ values: [Value], _ numbers: inout Numbers) -> Value {
            values[Int(numbers.next() % UInt64(values.count))]
        }
        var settings = StoreConfiguration()
        settings.commitLog.segmentByteCount = pick([128 << 10, 256 << 10, 512 << 10], &shape)
        settings.queues.fileByteCount = 20 * pick([100, 512, 2_000], &shape)
        settings.queues.extentByteCount = pick([4 << 10, 64 << 10], &shape)
        settings.index.slotCount = 500
        settings.index.entryCapacity = 2_000
        settings.limits.bodyByteCount = Payload.bodyLimit
        settings.integrity.appendsRecordChecksum = pick([false, true], &shape)
        settings.flush.mode = isSync ? .sync : .async
        settings.flush.intervalMilliseconds = pick([5, 20, 500], &pace)
        settings.flush.markIntervalMilliseconds = pick([3, 20, 100], &pace)
        settings.queues.flushIntervalMilliseconds = pick([3, 15, 100], &pace)
        settings.queues.flushLeastPages = pick([0, 2], &pace)
        settings.queues.thoroughIntervalMilliseconds = pick([10, 40, 1_000], &pace)
        settings.queues.mappedFileLimit = pick([4, 64], &pace)
        settings.queues.nearCount = pick([0, 2, 256], &pace)
        settings.queues.leastMapping = pick([200, 4 << 10, 16 << 10], &pace)
        settings.commitLog.writer = pick([.mapped, .pageAligned], &pace)
        settings.commitLog.zeroesAhead = pick([nil, false], &pace)
        if defect == .believedSync { settings.commitLog.zeroesAhead = false }
        // Nothing may go: what was acknowledged is asked for to the last message.
        settings.retention.isEnabled = false
        return settings
    }
}
