// What an append run does: the flags, and how large a round is.
//
// A round of memory speed fits in one segment, at most 2 GiB, that is prepared before the clock
// starts. It is flushed by nobody meanwhile: the flush interval is set beyond it.

import ApusStore
import Bench

/// The parameters of `mqbench store append`.
struct AppendPlan: Sendable {
    let settings: RunSettings
    let body: Int
    let writers: Int
    let queues: Int
    let keys: Int
    let tags: Int
    let batch: Int
    let inFlight: Int
    let isSync: Bool
    /// How records get into the files; nil: as the store has it.
    let writerKind: WriterKind?
    let zeroesAhead: Bool?
    /// Messages a second in all, evenly spaced; 0 for as fast as it goes.
    private(set) var rate: Int
    /// The rate as a share of what the device sustains; nil when it is not so given.
    let peakShare: Double?
    let segmentByteCount: Int
    let isSustained: Bool
    /// Whether the store deletes old files meanwhile, as it does by itself.
    let hasRetention: Bool
    /// Whether memory is filled before, so that pages are used again.
    let wantsUsedMemory: Bool
    /// What a sweep wants of the flusher.
    var flushSetting: FlushSetting?

    init(_ options: Options) throws {
        settings = try RunSettings(options)
        body = try options.number("--body", 128, in: 0...(4 << 20))
        writers = try options.number("--writers", 1, in: 1...256)
        queues = try options.number("--queues", 1, in: 1...100_000)
        keys = try options.number("--keys", 0, in: 0...10)
        tags = try options.number("--tags", 1, in: 0...16)
        batch = try options.number("--batch", 1, in: 1...10_000)
        inFlight = try options.number("--in-flight", 1, in: 1...100_000)
        isSync = try options.choice("--flush", ["async", "sync"]) == "sync"
        writerKind = WriterKind(
            rawValue: try options.choice(
                "--writer", ["auto"] + WriterKind.allCases.map(\.rawValue)))
        zeroesAhead = options.has("--no-zeroes") ? false : nil
        rate = try options.number("--rate", 0, in: 0...1_000_000_000)
        isSustained = options.has("--sustained")
        hasRetention = options.has("--retention")
        guard !hasRetention || isSustained else {
            throw UsageError("--retention is for --sustained: a round at memory speed is short")
        }
        wantsUsedMemory = options.has("--used-memory")
        guard !wantsUsedMemory || isSustained else {
            throw UsageError(
                "--used-memory is for --sustained: a round brings its memory in beforehand")
        }
        peakShare =
            options.text("--of-peak") == nil
            ? nil : try options.decimal("--of-peak", 1, upTo: 1)
        guard peakShare == nil || isSustained && rate == 0 else {
            throw UsageError("--of-peak is for --sustained, and instead of --rate")
        }
        let usual = settings.isSmoke ? 32 << 20 : 256 << 20
        segmentByteCount = try options.number("--segment", usual, in: (1 << 20)...(1 << 30)) & ~4095
        guard inFlight == 1 || isSync else {
            throw UsageError("--in-flight needs --flush sync: an async append waits for nothing")
        }
        guard inFlight == 1 || (batch == 1 && writers == 1) else {
            throw UsageError("--in-flight is for one writer without --batch")
        }
        guard keys == 0 || batch == 1 else { throw UsageError("--keys is for single messages") }
        let record = SampleMessages(bodyByteCount: body, keyCount: keys).recordByteCount
        guard record * batch * 8 <= segmentByteCount, record * batch <= 4 << 20 || batch == 1
        else { throw UsageError("a message or batch of \(record * batch) bytes is too large") }
    }

    var parameters: [(String, JSONValue)] {
        [
            ("body", .count(body)), ("writers", .count(writers)), ("queues", .count(queues)),
            ("keys", .count(keys)), ("tags", .count(tags)), ("batch", .count(batch)),
            ("flush", .string(isSync ? "sync" : "async")), ("inFlight", .count(inFlight)),
            // A share of what the device takes is another rate each time, and the same run.
            ("rate", .count(peakShare == nil ? rate : 0)), ("segment", .count(segmentByteCount)),
            ("sustained", .bool(isSustained)), ("seconds", .figure(settings.seconds)),
        ] + writerParameters
    }

    /// Where they were given: lines of before there was a choice stay comparable.
    private var writerParameters: [(String, JSONValue)] {
        var given: [(String, JSONValue)] = []
        if hasRetention { given.append(("retention", .bool(true))) }
        if wantsUsedMemory { given.append(("usedMemory", .bool(true))) }
        if let peakShare { given.append(("ofPeak", .figure(peakShare))) }
        if let writerKind { given.append(("writer", .string(writerKind.rawValue))) }
        if let zeroesAhead { given.append(("zeroesAhead", .bool(zeroesAhead))) }
        return given
    }

    /// The same at the wanted share of so many messages a second, if it is to be one.
    func paced(toShareOf peak: Double) -> AppendPlan {
        guard let peakShare else { return self }
        var plan = self
        plan.rate = max(1, Int(peak * peakShare))
        return plan
    }

    /// Nanoseconds from one call of a writer to its next; 0 for as fast as it goes.
    var interval: Int64 {
        rate == 0 ? 0 : max(1, Int64(1e9 * Double(batch) * Double(writers) / Double(rate)))
    }

    /// What the latencies of a run are of.
    var latencyMeaning: String {
        rate > 0
            ? "from the time at which the append was due to its return"
            : "from an append's call to its return, one behind the other"
    }

    var configuration: StoreConfiguration {
        var configuration =
            settings.isSmoke ? StoreConfiguration.small : StoreConfiguration()
        configuration.commitLog.segmentByteCount = segmentByteCount
        configuration.retention.isEnabled = hasRetention
        if isSync { configuration.flush.mode = .sync }
        configuration.commitLog.writer = writerKind
        configuration.commitLog.zeroesAhead = zeroesAhead
        flushSetting?.apply(to: &configuration)
        if !isSync && !isSustained {
            configuration.commitLog.populatesWholeSegment = true
            configuration.flush.intervalMilliseconds = 600_000
            configuration.queues.flushIntervalMilliseconds = 600_000
            configuration.flush.markIntervalMilliseconds = 600_000
        }
        return configuration
    }

    /// Messages that fit in one segment behind those that warm it up, as whole batches for each
    /// writer, and not more than a queue entry's number of them.
    func roundCount(recordByteCount: Int) -> Int {
        let room = segmentByteCount - 64 - warmUpCount * recordByteCount
        let share = batch * writers
        let limit = settings.isSmoke ? 20_000 : 1 << 21
        return max(1, min(room / recordByteCount, limit) / share) * share
    }

    /// Messages that are appended before the clock starts: one for each queue, and some more.
    var warmUpCount: Int {
        let record = SampleMessages(bodyByteCount: body, keyCount: keys).recordByteCount
        return max(queues, min(200, segmentByteCount / 16 / record))
    }
}
