// How much of the time for a measurement is over.

import CRoofline

/// Time since it was made.
struct Stopwatch {
    private let start = croofline_now()
    private let limit: Int64

    init(seconds: Double) { limit = Int64(seconds * 1e9) }

    var nanoseconds: Int64 { croofline_now() - start }
    /// By the monotonic clock.
    var end: Int64 { start + limit }
    var isOver: Bool { nanoseconds >= limit }
    /// From 0 to 1.
    var share: Double { min(1, Double(nanoseconds) / Double(max(1, limit))) }
}
