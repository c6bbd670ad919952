// Zstandard, through libzstd. The only file that imports it.

private import CZstd

/// Zstandard frames.
enum Zstandard {
    /// Levels below 1 and those that need the library's own consent are left out.
    static let levels = 1...19

    static func encode(_ body: RawSpan, level: Int) throws(CompressionError) -> [UInt8] {
        let bytes = unsafe GrowingOutput.encoded(bound: ZSTD_compressBound(body.byteCount)) {
            target in
            // Safe: the library stays within the sizes of the two buffers.
            let written = unsafe body.withUnsafeBytes { source in
                unsafe ZSTD_compress(
                    target.baseAddress, target.count, source.baseAddress, source.count,
                    Int32(level))
            }
            return ZSTD_isError(written) == 0 ? written : nil
        }
        // With room for the worst case only a lack of memory is left.
        guard let bytes else { throw .outOfMemory(.zstd) }
        return bytes
    }

    static func decode(_ body: RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
        guard let context = unsafe ZSTD_createDCtx() else { throw .outOfMemory(.zstd) }
        defer { _ = unsafe ZSTD_freeDCtx(context) }
        return try unsafe GrowingOutput.decoded(
            .zstd, limit: limit, first: contentSize(body) ?? body.byteCount * 4
        ) { target in
            unsafe body.withUnsafeBytes { source in unsafe decode(source, into: target, context) }
        }
    }

    /// The size that the first frame says its content has; nil when it does not.
    private static func contentSize(_ body: RawSpan) -> Int? {
        // Safe: the library stays within the size of the buffer.
        let size = unsafe body.withUnsafeBytes { source in
            unsafe ZSTD_getFrameContentSize(source.baseAddress, source.count)
        }
        // The two largest numbers stand for an unknown size and for no frame.
        return size < UInt64.max - 1 ? Int(clamping: size) : nil
    }

    /// Bytes of the number that a frame starts with; fewer than that are no frame.
    private static let magicByteCount = 4

    /// Decodes all frames of `source` from the start of `target`.
    @unsafe private static func decode(
        _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer,
        _ context: OpaquePointer
    ) -> DecodeOutcome {
        guard let from = source.baseAddress, let to = target.baseAddress else { return .malformed }
        var position = 0
        var written = 0
        while position == 0 || source.count - position >= magicByteCount {
            // Safe: the library reads and writes no more than it is told is there.
            let size = unsafe ZSTD_findFrameCompressedSize(
                from + position, source.count - position)
            guard ZSTD_isError(size) == 0 else { return .malformed }
            let made = unsafe ZSTD_decompressDCtx(
                context, to + written, target.count - written, from + position, size)
            guard ZSTD_isError(made) == 0 else {
                switch ZSTD_getErrorCode(made) {
                case ZSTD_error_dstSize_tooSmall: return .roomTooSmall
                case ZSTD_error_memory_allocation: return .outOfMemory
                default: return .malformed
                }
            }
            position += size
            written += made
        }
        return .whole(written)
    }
}
