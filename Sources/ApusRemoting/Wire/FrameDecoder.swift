// Step 1 in the life of a message: the bytes that come in, cut into frames where they lie.
//
// A frame that came in one piece is looked at in place. Of one that did not, what is there is kept,
// and only the bytes that it lacks are copied behind it. What is kept grows with what has come,
// never with what a length announces.

internal import ApusFormat

/// Cuts a stream of bytes into frames.
struct FrameDecoder {
    var limits: HeaderLimits
    /// The beginning of a frame that has not come whole.
    private var partial: [UInt8] = []

    init(limits: HeaderLimits) { self.limits = limits }

    /// Whether the last bytes were the beginning of a frame.
    var isInFrame: Bool { !partial.isEmpty }

    /// Bytes of memory that a connection keeps between two frames.
    private static let keptLimit = 64 << 10

    /// Bytes of memory that are kept for the beginning of a frame.
    var keptCapacity: Int { partial.capacity }

    /// Shows each frame that is whole to `visit`, until it answers false or the bytes are used up.
    /// Answers how many bytes were used; the others must come again.
    mutating func take(
        _ bytes: RawSpan, _ visit: (borrowing Frame) throws(FrameError) -> Bool
    ) throws(FrameError) -> Int {
        var place = 0
        if !partial.isEmpty {
            place = try complete(bytes)
            guard let size = try Frame.size(in: partial.rawSpan, at: 0, limits),
                size == partial.count
            else { return place }
            // Moved out, so that it can be looked at without being copied.
            var whole: [UInt8] = []
            swap(&whole, &partial)
            let goesOn = try visit(Frame(whole.rawSpan))
            whole.removeAll(keepingCapacity: true)
            if whole.capacity <= Self.keptLimit {
                swap(&whole, &partial)
            } else {
                let capacity = whole.capacity
                SpareMemory.frames.giveBack(whole, capacity: capacity)
            }
            if !goesOn { return place }
        }
        while let size = try Frame.size(in: bytes, at: place, limits),
            bytes.byteCount &- place >= size
        {
            let frame = try Frame(bytes.extracting(place..<place &+ size))
            place &+= size
            if try !visit(frame) { return place }
        }
        if place < bytes.byteCount {
            partial.append(copyOf: bytes.extracting(place...))
        }
        return bytes.byteCount
    }

    /// Copies to what is kept what it lacks, as far as it has come; answers how much that was.
    private mutating func complete(_ bytes: RawSpan) throws(FrameError) -> Int {
        var used = 0
        // First the length and the header's, then the frame.
        while used < bytes.byteCount {
            let wanted =
                partial.count < Frame.prefix
                ? Frame.prefix : try Frame.size(in: partial.rawSpan, at: 0, limits) ?? Frame.prefix
            let lacking = min(wanted &- partial.count, bytes.byteCount &- used)
            if lacking <= 0 { break }
            if partial.count &+ lacking > Self.keptLimit { takeLarge() }
            partial.append(copyOf: bytes.extracting(used..<used &+ lacking))
            used &+= lacking
        }
        return used
    }

    /// Goes on in memory that was used before, if there is some that is larger.
    private mutating func takeLarge() {
        guard partial.capacity <= Self.keptLimit, var large = SpareMemory.frames.take() else {
            return
        }
        large.append(copyOf: partial.rawSpan)
        swap(&large, &partial)
    }
}
