// What a thread meets that has times to keep and nothing to do at them: what is left of a store's
// latencies when there is no store.

import Bench
import CRoofline
import Foundation
import Histogram

/// The pace of a run without its appends.
enum BarePace {
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

    /// The same while another thread brings so many bytes to the device every half second, as a
    /// store that is flushed by its usual settings does.
    static func lateness(
        interval: Int64, seconds: Double, besides bytesPerSecond: Double, in workplace: Workplace,
        fileByteCount: Int
    ) throws -> Histogram {
        let path = workplace.newPath("bursts")
        let flush: Int64 = 500_000_000
        let burst = max(1, Int64(bytesPerSecond * Double(flush) / 1e9))
        let (outcomes, _) = try Crew.run(2) { member in
            if member == 0 { return lateness(interval: interval, seconds: seconds) }
            _ = try DeviceProbe.checked(
                croofline_burst_write(path, Int64(fileByteCount), burst, flush, seconds))
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
