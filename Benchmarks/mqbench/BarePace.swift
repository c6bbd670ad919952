// What a thread meets that has times to keep and nothing to do at them: what is left of a store's
// latencies when there is no store.

import Bench
import CRoofline
import Foundation
import Histogram

/// The pace of a run without its appends.
struct BarePace {
    /// Of the figures in a result.
    let key: String
    /// What goes on beside it, in words.
    let meanwhile: String
    let late: Histogram

    /// How late the thread was, each `interval` nanoseconds, for so long.
    static func lateness(interval: Int64, seconds: Double) -> Histogram {
        var late = Histogram()
        let start = croofline_now()
        let end = start + Int64(seconds * 1e9)
        var due = start
        var now = start
        while now < end {
            repeat { now = croofline_now() } while now < due
            late.record(now - due)
            due += interval
        }
        return late
    }

    /// What another thread writes meanwhile: bursts that a store would flush.
    struct Bursts: Sendable {
        let path: String
        /// Of the file that they go to, which is made and removed.
        let fileByteCount: Int
        let bytesPerSecond: Double
        let flushMilliseconds: Int64

        func write(seconds: Double) throws {
            let burst = bytesPerSecond * Double(flushMilliseconds) / 1e3
            _ = try DeviceProbe.checked(
                croofline_burst_write(
                    path, Int64(fileByteCount), max(1, Int64(burst)), flushMilliseconds * 1_000_000,
                    seconds))
        }
    }

    /// The same while another thread brings bursts to the device.
    static func lateness(
        interval: Int64, seconds: Double, besides bursts: Bursts
    ) throws -> Histogram {
        let (outcomes, _) = try Crew.run(2) { member in
            if member == 0 { return lateness(interval: interval, seconds: seconds) }
            try bursts.write(seconds: seconds)
            return Histogram()
        }
        return outcomes.first { $0.count > 0 } ?? outcomes[0]
    }
}

/// Time of the processors that the host of a virtual machine gave to others.
enum HostTime {
    /// Nanoseconds since the start of the system, of all processors together; nil where the kernel
    /// does not say.
    static var stolenNanoseconds: Int64? {
        let content = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let fields = content.prefix { $0 != "\n" }.split(separator: " ")
        guard fields.count > 8, fields[0] == "cpu", let ticks = Int64(fields[8]) else { return nil }
        return ticks * 1_000_000_000 / Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }
}
