// What a flush sweep found out about a setting, and how it is shown.

import Bench
import Foundation
import Histogram

/// One setting with its figures.
struct FlushResult: Sendable {
    let setting: FlushSetting
    /// As it is called in a table of one size of body.
    let title: String
    var measurement: RunResult
    /// Messages acknowledged a second in bursts, whenever they come to the device.
    var acknowledgedPerSecond = 0.0
    /// The longest that an acknowledged message was not on the device, in nanoseconds: at a steady
    /// pace, and in bursts at full speed. 0 with SYNC_FLUSH, by its meaning.
    var exposure: Int64 = 0
    var burstExposure: Int64 = 0

    init(_ setting: FlushSetting, body: Int, pace: Int, seconds: Double) {
        self.setting = setting
        measurement = RunResult(
            "sweep flush",
            setting.parameters + [("body", .count(body))]
                + (setting.isSync ? [] : [("pace", .count(pace))])
                + [("seconds", .figure(seconds))])
        title = RunResult("sweep", setting.parameters).title
            .replacingOccurrences(of: "sweep ", with: "")
    }

    /// The same with the figures that only this sweep has.
    var complete: RunResult {
        var whole = measurement
        whole.more = [
            ("acknowledgedPerSecond", .figure(acknowledgedPerSecond)),
            ("exposureMilliseconds", .figure(Double(exposure) / 1e6)),
            ("burstExposureMilliseconds", .figure(Double(burstExposure) / 1e6)),
            ("exposureBySettings", .string(setting.exposureInWords)),
        ]
        return whole
    }

    func percentile(_ percent: Double) -> Int64 {
        measurement.latency.value(atPercentile: percent)
    }

    static func table(_ results: [FlushResult]) -> String {
        var table = TextTable([
            ("setting", .left), ("messages/s", .right), ("of the device", .right),
            ("acknowledged/s", .right), ("p50", .right), ("p99", .right), ("p99.9", .right),
            ("a power cut takes", .right), ("in a burst", .right), ("checked", .left),
        ])
        for one in results {
            let ratio = one.measurement.rooflines.first?.ratio
            let latencies = [50, 99, 99.9].map { Figure.duration(one.percentile($0)) }
            let exposures = [one.exposure, one.burstExposure].map { exposure in
                one.setting.isSync ? "nothing" : "<= " + Figure.duration(exposure)
            }
            let figures = [
                one.title, Figure.rate(one.measurement.messagesPerSecond),
                ratio.map { String(format: "%.2f", $0) } ?? "-",
                Figure.rate(one.acknowledgedPerSecond),
            ]
            let checked = one.measurement.checked ? "yes" : "WRONG"
            table.add(figures + latencies + exposures + [checked])
        }
        // Of sync settings the notes say how the device was asked: in the JSON, for who doubts.
        let noted = results.filter { !$0.setting.isSync || !$0.measurement.checked }
        let notes = Report.notes(of: noted.map(\.measurement))
        let legend = [
            "messages/s: until all of them are on the device. a power cut takes: of acknowledged",
            "messages, as measured; by the settings async may lose the last interval, or the least",
            "pages of the last 10 s. sync and async latencies are of different loads (latencyOf).",
        ]
        return (table.lines + [""] + legend + notes).joined(separator: "\n")
    }

    static func chart(_ results: [FlushResult]) -> RowChart {
        RowChart(
            title: "What flush settings cost, and what a power cut takes",
            subtitle: "blue: nothing that was acknowledged is lost; orange: async",
            rows: results.map(\.title),
            panels: [
                RowChart.Panel(
                    title: "messages/s on the device", scale: .logarithmic,
                    text: { Figure.short($0) },
                    rows: results.map { one in
                        let rate = one.measurement.messagesPerSecond
                        return [
                            RowChart.Mark(
                                series: one.setting.isSync ? 0 : 1, value: rate,
                                range: one.measurement.messagesPerSecondRange,
                                label: Figure.rate(rate))
                        ]
                    }),
                RowChart.Panel(
                    title: "acknowledged after (p50, to p99.9)", scale: .logarithmic,
                    text: { Figure.duration(Int64($0)) },
                    rows: results.map { one in
                        let (middle, high) = (one.percentile(50), one.percentile(99.9))
                        return [
                            RowChart.Mark(
                                series: one.setting.isSync ? 0 : 1, value: Double(max(1, middle)),
                                range: Double(max(1, middle))...Double(max(1, high)),
                                label: Figure.duration(middle))
                        ]
                    }),
                RowChart.Panel(
                    title: "a power cut takes the last", scale: .linear,
                    text: { Figure.duration(Int64($0)) },
                    rows: results.map { one in
                        [
                            RowChart.Mark(
                                series: one.setting.isSync ? 0 : 1, value: Double(one.exposure),
                                label: one.setting.isSync
                                    ? "nothing" : Figure.duration(one.exposure))
                        ]
                    }),
            ], series: [])
    }
}
