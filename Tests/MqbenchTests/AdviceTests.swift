// What the sweeps work out of their figures: exposure, advice, and the bodies they compress.

import ApusFormat
import ApusStore
import Bench
import Foundation
import Histogram
import Testing

@testable import mqbench

@Test("exposure counts from the look before a message showed until it was on the device")
func exposure() {
    var trace = ExposureTrace(end: 100)
    trace.look(at: 10, acknowledged: 100, flushed: 100)
    #expect(trace.longest == 0)
    trace.look(at: 20, acknowledged: 150, flushed: 100)
    trace.look(at: 30, acknowledged: 180, flushed: 100)
    #expect(trace.longest == 20)
    // The first is on the device, the second not yet.
    trace.look(at: 40, acknowledged: 180, flushed: 150)
    #expect(trace.longest == 20)
    trace.look(at: 70, acknowledged: 180, flushed: 179)
    #expect(trace.longest == 50)
    trace.look(at: 500, acknowledged: 180, flushed: 180)
    #expect(trace.longest == 50)
}

private func flushResult(
    sync: Bool, interval: Int64 = 500, inFlight: Int = 1, rate: Double, p99: Int64 = 10,
    exposure: Int64 = 0, range: ClosedRange<Double>? = nil, isRight: Bool = true
) -> FlushResult {
    let setting = FlushSetting(
        mode: sync ? .sync : .async, intervalMilliseconds: interval, inFlight: inFlight,
        writer: .mapped)
    var result = FlushResult(setting, body: 128, pace: 1, seconds: 1)
    result.measurement.messagesPerSecond = rate
    result.measurement.messagesPerSecondRange = range
    result.measurement.latency.record(p99)
    result.measurement.checked = isRight
    result.exposure = exposure
    return result
}

@Test("the fastest safe setting is advised, and of async settings that are alike the least exposed")
func flushAdvice() {
    let results = [
        flushResult(sync: true, rate: 1_000),
        flushResult(sync: true, inFlight: 64, rate: 9_800, p99: 20),
        flushResult(sync: true, inFlight: 256, rate: 10_000, p99: 80),
        flushResult(sync: false, interval: 10, rate: 85_000, exposure: 15_000_000),
        flushResult(sync: false, interval: 100, rate: 97_000, exposure: 110_000_000),
        flushResult(sync: false, interval: 500, rate: 100_000, exposure: 510_000_000),
        flushResult(sync: false, interval: 1, rate: 900_000, exposure: 1, isRight: false),
    ]
    let lines = FlushAdvice.lines(results)
    #expect(lines.count == 3)
    #expect(
        lines[0].contains(
            "SYNC_FLUSH with 64 appends in flight, the mapped writer: 9,800 messages/s"))
    #expect(lines[1].contains("1,000 messages/s"))
    #expect(lines[2].contains("ASYNC_FLUSH every 100 ms") && lines[2].contains("at most 110 ms"))
}

@Test("rounds that cannot be told apart make two rates alike, up to a fifth")
func flushAdviceSpread() {
    let fast = flushResult(
        sync: false, interval: 500, rate: 100, exposure: 9, range: 80...120)
    let near = flushResult(sync: false, interval: 10, rate: 85, exposure: 1, range: 70...90)
    let apart = flushResult(sync: false, interval: 10, rate: 85, exposure: 1, range: 70...79)
    let far = flushResult(sync: false, interval: 10, rate: 79, exposure: 1, range: 70...90)
    #expect(FlushAdvice.fastest([fast, near])?.exposure == 1)
    #expect(FlushAdvice.fastest([fast, apart])?.exposure == 9)
    #expect(FlushAdvice.fastest([fast, far])?.exposure == 9)
}

private func compressionResult(
    _ codec: BodyCodec?, _ level: Int = 0, rate: Double, share: Double, kind: BodyKind = .json
) -> CompressionResult {
    let choice = CodecChoice(codec: codec, level: level)
    var result = CompressionResult(
        CompressionCase(kind: kind, body: 1_000, choice: choice), seconds: 1)
    result.measurement.messagesPerSecond = rate
    result.measurement.checked = true
    result.storedByteCount = result.plainByteCount * share
    return result
}

@Test("compression is advised where the device is slower than the thread, and not elsewhere")
func compressionAdvice() {
    let results = [
        compressionResult(nil, rate: 1_000_000, share: 1),
        compressionResult(.lz4, rate: 200_000, share: 0.5),
        compressionResult(.zstd, 3, rate: 50_000, share: 0.3),
        compressionResult(.zstd, 19, rate: 1_000, share: 0.25),
    ]
    let size = results[0].plainByteCount
    let slow = size * 60_000
    #expect(CompressionAdvice.fastest(results, deviceRate: slow)?.one.choice.codec == .lz4)
    let quick = size * 900_000
    #expect(CompressionAdvice.fastest(results, deviceRate: quick)?.one.choice == CodecChoice.none)
    #expect(CompressionAdvice.saver(results, deviceRate: quick)?.one.choice.codec == .lz4)
    let lines = CompressionAdvice.lines(results, deviceRate: slow)
    #expect(lines.count == 2)
    #expect(lines[1].contains("CompressionSettings(algorithm: .lz4, level: 0)"))
    #expect(lines[1].contains("without, 60,000 messages/s"))
    #expect(lines[1].contains("the smallest, Zstandard 19"))
    // What saves nothing is not advised though it costs nothing either.
    let random = [
        compressionResult(nil, rate: 100, share: 1, kind: .random),
        compressionResult(.lz4, rate: 101, share: 0.99, kind: .random),
    ]
    #expect(CompressionAdvice.fastest(random, deviceRate: 1e12)?.one.choice == CodecChoice.none)
    #expect(CompressionAdvice.saver(random, deviceRate: 1e12)?.one.choice == nil)
}

@Test("bodies are the same each time, as long as asked for, and compress as their kind should")
func bodies() throws {
    var sizes: [BodyKind: Int] = [:]
    for kind in BodyKind.allCases {
        for byteCount in [1, 16, 300, 4_096] {
            let bodies = kind.bodies(3, byteCount: byteCount)
            #expect(bodies.allSatisfy { $0.count == byteCount })
            #expect(bodies == kind.bodies(3, byteCount: byteCount))
        }
        let bodies = kind.bodies(2, byteCount: 4_096)
        #expect(bodies[0] != bodies[1])
        let body = bodies[0]
        sizes[kind] = try BodyCompression.encode(body.span.bytes, codec: .zstd).count
    }
    let (text, json) = (try #require(sizes[.text]), try #require(sizes[.json]))
    #expect(json < text && text < 3_000)
    #expect(try #require(sizes[.random]) >= 4_096)
    for byteCount in [200, 1_024, 16_384] {
        let body = BodyKind.json.bodies(1, byteCount: byteCount)[0]
        let object = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        #expect(object?["events"] is [Any])
    }
}

@Test("each level of a sweep is one that its codec has")
func levels() {
    for choice in CodecChoice.all {
        guard let codec = choice.codec else { continue }
        #expect(BodyCompression.levels(codec).contains(choice.level))
    }
    #expect(Set(CodecChoice.all.map(\.name)).count == CodecChoice.all.count)
}

@Test("a chart of rows keeps its marks inside of their panels")
func rowChart() throws {
    let chart = RowChart(
        title: "a < b", subtitle: "", rows: ["one", "two"],
        panels: [
            RowChart.Panel(
                title: "left", scale: .logarithmic, text: { "\($0)" },
                rows: [
                    [RowChart.Mark(value: 10, range: 1...1_000, label: "ten")],
                    [RowChart.Mark(series: 1, value: 0)],
                ]),
            RowChart.Panel(
                title: "right", scale: .linear, text: { "\($0)" },
                rows: [
                    [RowChart.Mark(value: 5)], [RowChart.Mark(value: 0), RowChart.Mark(value: 9)],
                ]
            ),
        ], series: [])
    let svg = chart.svg
    #expect(svg.contains("a &lt; b") && !svg.contains("nan") && !svg.contains("inf"))
    let dots = svg.matches(of: /<circle class="c\d" cx="([0-9.]+)" cy="([0-9.]+)"/)
        .compactMap { Double($0.1) }
    #expect(dots.count == 5)
    let (left, right) = (dots.prefix(2), dots.suffix(3))
    #expect(
        left.allSatisfy { $0 >= 284 && $0 <= 640 } && right.allSatisfy { $0 > 680 && $0 <= 1_050 })
    #expect(right.sorted() == [right[3], right[2], right[4]])
}
