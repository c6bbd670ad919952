// A header like the one before it, as a producer sends them one after the other: as long, and byte
// by byte the same but for some within values. Where names, quotes and commas stand is known then,
// and all that is left to do is to see that it is so.

internal import ApusFormat

/// A header whose fields are all plain, and what the next one may have otherwise.
struct HeaderBefore {
    /// A piece of the value that has escapes: where it came, and where it stands without them.
    private struct Run {
        var source: UInt32
        var target: UInt32
        var count: UInt32
    }

    private var bytes: [UInt8] = []
    /// 0 when there is none.
    private var count = 0
    private var isBinary = false
    /// Bytes of the header that was read last, and whether the one before that had as many.
    private var lastCount = 0
    private var isLikely = false
    /// FF for those of values, of plain ones in JSON but for their escapes, and for the request's
    /// number; 0 for others.
    private var loose: [UInt8] = []
    private var opaque = 0..<0
    private var runs: [Run] = []

    /// A longer header is not remembered: its connection would keep the memory.
    static let limit = 2 << 10

    /// Bytes of memory.
    var capacity: Int {
        bytes.capacity + loose.capacity + runs.capacity * MemoryLayout<Run>.stride
    }

    /// Another header is read. It is worth remembering when it is as long as the last one: of
    /// headers of all lengths each would be remembered in vain.
    @inline(__always)
    mutating func forget(for header: RawSpan) {
        count = 0
        isLikely = header.byteCount == lastCount
        lastCount = header.byteCount
    }

    /// Whether a header is as long as this one, and written in the same way.
    @inline(__always)
    func isAsLong(as header: RawSpan, _ serialization: HeaderSerialization) -> Bool {
        header.byteCount == count && (serialization == .binary) == isBinary
    }

    /// The number of a request whose header is as long as this one and like it; nil when it is not.
    func opaque(of header: RawSpan) -> Int32? {
        // In JSON neither a quote nor a backslash where it may differ: a value would end there, or
        // mean something else.
        guard header.isAlike(bytes.rawSpan, loose: loose.rawSpan, mayHaveMarks: isBinary) else {
            return nil
        }
        if isBinary { return BinaryHeader.opaque.load(from: header) }
        guard !opaque.isEmpty, opaque.count <= RawSpan.harmlessDigits,
            let number = header.extracting(opaque).digits(from: 0)
        else { return nil }
        return Int32(exactly: number)
    }

    /// Writes the value that has escapes, of a header like this one, over that of this one. What
    /// the escapes stand for is there already.
    @inline(__always)
    func unescape(_ header: RawSpan, into unescaped: inout [UInt8]) {
        if runs.isEmpty { return }
        var out = unescaped.mutableRawSpan
        for place in runs.indices {
            let run = runs[place]
            let source = Int(run.source)
            out.copy(
                header.extracting(source..<source &+ Int(run.count)), at: Int(run.target))
        }
    }

    // MARK: remembering

    /// Remembers a header with such fields, and its number at such bytes, which was read behind
    /// `forget`. One with escapes in several values is not remembered.
    mutating func remember(
        _ header: RawSpan, fields: Span<FieldSlot>, opaque: Range<Int>, isBinary: Bool
    ) {
        guard isLikely, header.byteCount <= Self.limit else { return }
        loose.removeAll(keepingCapacity: true)
        loose.append(contentsOf: repeatElement(0, count: header.byteCount))
        runs.removeAll(keepingCapacity: true)
        for place in fields.indices {
            let slot = fields[place]
            if !slot.isValueElsewhere {
                loosen(slot.value)
            } else if runs.isEmpty {
                addRuns(of: slot, in: header)
            } else {
                return
            }
        }
        loosen(opaque)
        self.opaque = opaque
        bytes.removeAll(keepingCapacity: true)
        bytes.append(copyOf: header)
        count = header.byteCount
        self.isBinary = isBinary
    }

    private mutating func loosen(_ range: Range<Int>) {
        for place in range { loose[place] = 0xFF }
    }

    /// The value begins behind `":"`, and each of its escapes takes six bytes and stands for one.
    private mutating func addRuns(of slot: FieldSlot, in header: RawSpan) {
        var source = slot.name.upperBound &+ 3
        var target = slot.value.lowerBound
        let end = slot.value.upperBound
        while target < end {
            let start = source
            while target < end, header.loadBigEndian(UInt8.self, at: source) != 0x5C {
                source &+= 1
                target &+= 1
            }
            let count = source &- start
            loosen(start..<source)
            runs.append(
                Run(
                    source: UInt32(truncatingIfNeeded: start),
                    target: UInt32(truncatingIfNeeded: target &- count),
                    count: UInt32(truncatingIfNeeded: count)))
            if target < end {
                source &+= 6
                target &+= 1
            }
        }
    }
}
