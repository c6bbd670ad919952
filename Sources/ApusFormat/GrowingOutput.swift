// Where the codecs write: arrays that are filled without being zeroed first.
//
// A decoder is given some room, and when that is too small, four times as much, up to the caller's
// bound, from the start of the stream again. What the tries before the last cost is at most a third
// of the last, and all of the room is one buffer, which LZ4 and Zstandard need for their history:
// Zstandard's streaming decoder would allocate what the stream asks for instead, up to 128 MiB.

/// What a decoder made of the room that it was given.
enum DecodeOutcome {
    /// The whole body, in this many bytes at the start of the room.
    case whole(Int)
    case roomTooSmall
    case malformed
    case outOfMemory
}

/// Output of the codecs.
enum GrowingOutput {
    /// The output of a decoder that writes at most `limit` bytes; `first` is how many to try first.
    /// `decode` must have initialized as many bytes as it answers.
    @unsafe static func decoded(
        _ codec: BodyCodec, limit: Int, first: Int,
        by decode: (UnsafeMutableRawBufferPointer) -> DecodeOutcome
    ) throws(CompressionError) -> [UInt8] {
        // With a byte more than is allowed, a body at the bound is told from one beyond it.
        let most = max(0, min(limit, Int.max - 1)) + 1
        var room = min(most, max(first, 4096))
        while true {
            var outcome = DecodeOutcome.roomTooSmall
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                let target = unsafe UnsafeMutableRawBufferPointer(
                    start: buffer.baseAddress, count: room)
                outcome = unsafe decode(target)
                if case .whole(let written) = outcome { count = min(max(0, written), room) }
            }
            switch outcome {
            case .whole(let written) where written <= limit: return bytes.trimmed(from: room)
            case .roomTooSmall where room < most: room = room > most / 4 ? most : room * 4
            case .whole, .roomTooSmall: throw .exceedsBound(codec, limit: limit)
            case .malformed: throw .malformed(codec)
            case .outOfMemory: throw .outOfMemory(codec)
            }
        }
    }

    /// The output of a compressor that writes at most `bound` bytes; nil when it fails.
    /// `encode` must have initialized as many bytes as it answers.
    @unsafe static func encoded(
        bound: Int, by encode: (UnsafeMutableRawBufferPointer) -> Int?
    ) -> [UInt8]? {
        var written: Int?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            written = unsafe encode(
                UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: bound))
            count = min(max(0, written ?? 0), bound)
        }
        return written == nil ? nil : bytes.trimmed(from: bound)
    }
}

extension [UInt8] {
    /// The same bytes without the room behind them, where that is most of what was reserved.
    fileprivate func trimmed(from room: Int) -> [UInt8] {
        count > room / 2 ? self : [UInt8](rawSpan)
    }
}
