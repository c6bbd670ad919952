// One frame as it lies in the bytes that came.
//
//     0                  4                                8         8 + h          4 + n
//     n: bytes behind    serialisation << 24 | h:         header    body
//     this field         bytes of the header

internal import ApusFormat

/// A whole frame.
struct Frame: ~Escapable {
    let serialization: HeaderSerialization
    let header: RawSpan
    let body: RawSpan

    static let length = Field<Int32>(at: 0)
    static let headerWord = Field<UInt32>(at: length.end)
    /// Bytes before the header.
    static let prefix = headerWord.end

    /// What stands before the header, of so many bytes, of a frame with a body of so many.
    @inline(__always)
    static func start(
        header: Int, _ serialization: HeaderSerialization, body: Int
    ) -> UInt64 {
        let length = prefix &- Self.length.end &+ header &+ body
        return UInt64(UInt32(truncatingIfNeeded: length)) << 32
            | UInt64(serialization.rawValue) << 24 | UInt64(truncatingIfNeeded: header)
    }

    /// `bytes` are one whole frame, by what `size` said.
    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) throws(FrameError) {
        let word = Self.headerWord.load(from: bytes)
        let header = Int(word & 0xFF_FFFF)
        guard let kind = HeaderSerialization(rawValue: UInt8(truncatingIfNeeded: word >> 24)) else {
            throw .unknownSerialization(UInt8(truncatingIfNeeded: word >> 24))
        }
        serialization = kind
        guard header <= bytes.byteCount &- Self.prefix else {
            throw .headerOutOfFrame(header, frame: bytes.byteCount)
        }
        self.header = bytes.extracting(Self.prefix..<Self.prefix &+ header)
        body = bytes.extracting((Self.prefix &+ header)..<bytes.byteCount)
    }

    /// How long the frame is that begins at `start`, or nil when too little of it is there to say.
    /// What its first bytes show to be wrong is an error already.
    static func size(
        in bytes: RawSpan, at start: Int, _ limits: HeaderLimits
    ) throws(FrameError) -> Int? {
        let count = bytes.byteCount &- start
        guard count >= length.end else { return nil }
        let behind = Int(length.load(from: bytes, at: start))
        let size = behind &+ length.end
        guard size <= limits.frameBytes else {
            throw .frameTooLong(size, limit: limits.frameBytes)
        }
        guard size >= prefix else { throw .frameTooShort(size) }
        if count >= prefix {
            let word = headerWord.load(from: bytes, at: start)
            let header = Int(word & 0xFF_FFFF)
            guard header <= limits.headerBytes else {
                throw .headerTooLong(header, limit: limits.headerBytes)
            }
            guard header <= size &- prefix else {
                throw .headerOutOfFrame(header, frame: size)
            }
            guard word >> 24 <= 1 else {
                throw .unknownSerialization(UInt8(truncatingIfNeeded: word >> 24))
            }
        }
        return size
    }
}
