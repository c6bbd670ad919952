// How far ahead of the writer pages are brought in.
//
// New pages come at the pace of memory as a rule, and from time to time far more slowly: the kernel
// has to find some, or the host of a virtual machine has taken free ones back. The faster the
// writer is, the further ahead it takes to get over that.

/// Bytes ahead of the writer, by its pace.
struct PopulateWindow {
    /// How many times the least window is the longest.
    static let growth = 8
    let least: Int
    private let most: Int
    private(set) var byteCount: Int
    /// What the window holds of the writer's time: 150 ms.
    private var pace = WriterPace(span: 150_000_000, leastInterval: 1_000_000)

    init(least: Int, most: Int) {
        self.least = least
        self.most = most
        byteCount = least
    }

    /// The writer is at physical offset `end`. Answers the window: as long as its pace since the
    /// last time asks for, and not much shorter than it was.
    mutating func follow(_ end: Int64, at time: Int64) -> Int {
        guard let wanted = pace.follow(end, at: time) else { return byteCount }
        byteCount = max(least, byteCount - byteCount / 8, Int(min(wanted, Double(most))))
        return byteCount
    }
}
