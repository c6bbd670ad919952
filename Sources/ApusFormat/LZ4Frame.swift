// The LZ4 frame format, through liblz4. The only file that imports it.
//
// Frames are written as RocketMQ's client writes them. The blocks must be independent: Java's
// decoder refuses linked ones. Frames with linked blocks, checksums or a content size are read.

private import CLZ4

/// LZ4 frames.
enum LZ4Frame {
    /// 0 to 2 are the fast compressor, 3 to 12 the high-compression one.
    static let levels = 0...12

    static func encode(_ body: RawSpan, level: Int) throws(CompressionError) -> [UInt8] {
        var preferences = LZ4F_preferences_t()
        preferences.compressionLevel = Int32(level)
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        // The library takes the smallest size that holds the body in one block.
        preferences.frameInfo.blockSizeID = LZ4F_max4MB
        let bound = unsafe LZ4F_compressFrameBound(body.byteCount, &preferences)
        let bytes = unsafe GrowingOutput.encoded(bound: bound) { target in
            // Safe: the library stays within the sizes of the two buffers.
            let written = unsafe body.withUnsafeBytes { source in
                unsafe LZ4F_compressFrame(
                    target.baseAddress, target.count, source.baseAddress, source.count,
                    &preferences)
            }
            return LZ4F_isError(written) == 0 ? written : nil
        }
        // With room for the worst case only a lack of memory is left.
        guard let bytes else { throw .outOfMemory(.lz4) }
        return bytes
    }

    static func decode(_ body: RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
        var created: OpaquePointer?
        let code = unsafe LZ4F_createDecompressionContext(&created, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(code) == 0, let context = unsafe created else {
            throw .outOfMemory(.lz4)
        }
        defer { _ = unsafe LZ4F_freeDecompressionContext(context) }
        return try unsafe GrowingOutput.decoded(
            .lz4, limit: limit, first: body.byteCount * 4
        ) { target in
            unsafe LZ4F_resetDecompressionContext(context)
            return unsafe body.withUnsafeBytes { source in
                unsafe decode(source, into: target, context)
            }
        }
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
        var isBetweenFrames = false
        while !isBetweenFrames || source.count - position >= magicByteCount {
            var taken = source.count - position
            var made = target.count - written
            // Safe: the library reads and writes no more than it is told is there, and says in the
            // same variables how much it did.
            let hint = unsafe LZ4F_decompress(
                context, to + written, &made, from + position, &taken, nil)
            guard LZ4F_isError(hint) == 0 else {
                let name = unsafe String(cString: LZ4F_getErrorName(hint))
                return name == "ERROR_allocation_failed" ? .outOfMemory : .malformed
            }
            position += taken
            written += made
            isBetweenFrames = hint == 0
            if taken == 0, made == 0, !isBetweenFrames {
                return written == target.count ? .roomTooSmall : .malformed
            }
        }
        return .whole(written)
    }
}
