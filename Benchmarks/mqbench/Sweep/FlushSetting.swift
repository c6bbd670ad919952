// The settings of a flush sweep: which there are, and what each means for a store.

import ApusStore
import Bench
import Foundation

/// One setting that is measured.
struct FlushSetting: Sendable {
    let mode: FlushSettings.Mode
    /// Of ASYNC_FLUSH.
    var intervalMilliseconds: Int64 = 500
    /// Of ASYNC_FLUSH.
    var leastPages = 4
    /// Appends of one writer that wait at a time; of SYNC_FLUSH.
    var inFlight = 1
    let writer: WriterKind

    var isSync: Bool { mode == .sync }

    func apply(to configuration: inout StoreConfiguration) {
        configuration.flush.mode = mode
        configuration.flush.intervalMilliseconds = intervalMilliseconds
        configuration.flush.leastPages = leastPages
        configuration.commitLog.writer = writer
    }

    /// What a power cut takes of acknowledged messages by the settings alone.
    var exposureInWords: String {
        if isSync { return "nothing" }
        let thorough = StoreConfiguration().flush.thoroughIntervalMilliseconds
        return "the last \(intervalMilliseconds) ms, or \(leastPages * 4) KiB of the last"
            + " \(thorough / 1_000) s"
    }

    /// As a user of the store, and one of RocketMQ, writes it down.
    var inWords: String {
        isSync
            ? "SYNC_FLUSH with \(inFlight == 1 ? "one append" : "\(inFlight) appends") in flight,"
                + " the \(writer.rawValue) writer"
            : "ASYNC_FLUSH every \(intervalMilliseconds) ms from \(leastPages) pages on,"
                + " the \(writer.rawValue) writer"
    }

    var parameters: [(String, JSONValue)] {
        [("flush", .string(isSync ? "sync" : "async"))]
            + (isSync
                ? [("inFlight", .count(inFlight))]
                : [
                    ("interval", .integer(intervalMilliseconds)),
                    ("leastPages", .count(leastPages)),
                ])
            + [("writer", .string(writer.rawValue))]
    }
}

/// What a flush sweep does.
struct FlushPlan: Sendable {
    let settings: [FlushSetting]
    let body: Int
    /// Messages a second while latencies and exposure of ASYNC_FLUSH are measured.
    let pace: Int
    /// Bytes of records that an ASYNC_FLUSH setting is given as fast as it goes.
    let byteCount: Int
    let seconds: Double
    let isSmoke: Bool
    let parent: String

    static let flags = [
        Flag("--body", "BYTES", "bytes of a body; 128"),
        Flag("--intervals", "MS,…", "ASYNC_FLUSH: flush intervals; 10,100,500"),
        Flag("--least-pages", "N,…", "ASYNC_FLUSH: pages a flush waits for; 4,256"),
        Flag("--in-flight", "N,…", "SYNC_FLUSH: appends that wait; 1,8,64,256,1024"),
        Flag("--writer", "KIND,…", "of mapped, page-aligned; both"),
        Flag("--pace", "N", "ASYNC_FLUSH: messages a second for latencies; 20000"),
        Flag("--bytes", "BYTES", "ASYNC_FLUSH: bytes at full speed, a setting; 512m"),
    ]

    init(_ options: Options) throws {
        isSmoke = options.has("--smoke")
        seconds = try options.decimal("--seconds", isSmoke ? 2 : 60, upTo: 3600)
        parent = try RunSettings(options).parent
        body = try options.number("--body", 128, in: 0...(1 << 20))
        pace = try options.number("--pace", 20_000, in: 1...1_000_000)
        byteCount = try options.number(
            "--bytes", isSmoke ? 8 << 20 : 512 << 20, in: (1 << 20)...(16 << 30))
        let intervals = try options.numbers(
            "--intervals", isSmoke ? [10, 50] : [10, 100, 500], in: 1...3_600_000)
        let leastPages = try options.numbers(
            "--least-pages", isSmoke ? [4] : [4, 256], in: 0...(1 << 20))
        let inFlight = try options.numbers(
            "--in-flight", isSmoke ? [1, 8] : [1, 8, 64, 256, 1_024], in: 1...100_000)
        let writers = try options.choices("--writer", WriterKind.allCases.map(\.rawValue))
            .compactMap { WriterKind(rawValue: $0) }
        let sync = inFlight.flatMap { count in
            writers.map { FlushSetting(mode: .sync, inFlight: count, writer: $0) }
        }
        let async = intervals.flatMap { interval in
            leastPages.flatMap { pages in
                writers.map {
                    FlushSetting(
                        mode: .async, intervalMilliseconds: Int64(interval), leastPages: pages,
                        writer: $0)
                }
            }
        }
        settings = sync + async
    }

    /// An append run for one setting.
    func appendPlan(_ setting: FlushSetting, seconds: Double) throws -> AppendPlan {
        var words = ["--seconds", String(format: "%.3f", seconds), "--directory", parent]
        words += ["--body", "\(body)", "--flush", setting.isSync ? "sync" : "async"]
        if setting.inFlight > 1 { words += ["--in-flight", "\(setting.inFlight)"] }
        if !setting.isSync { words.append("--sustained") }
        if isSmoke { words.append("--smoke") }
        let options = try Options(words, allowed: AppendWorkload.workload.flags + Flag.common)
        var plan = try AppendPlan(options)
        plan.flushSetting = setting
        return plan
    }
}
