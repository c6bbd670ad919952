// Zstandard, through libzstd. The only file that imports it.

private import CZstd

/// Zstandard streams.
enum Zstandard {
    static let levels = 1...19

    static func encode(_ body: RawSpan, level: Int) throws(CompressionError) -> [UInt8] {
        var target = [UInt8](repeating: 0, count: ZSTD_compressBound(body.byteCount))
        // Safe: both pointers are used within the call, for no more bytes than their buffers have.
        let written = unsafe target.withUnsafeMutableBytes { to in
            unsafe body.withUnsafeBytes { from in
                unsafe ZSTD_compress(
                    to.baseAddress, to.count, from.baseAddress, from.count, Int32(level))
            }
        }
        if ZSTD_isError(written) != 0 { throw .outOfMemory(.zstd) }
        target.removeLast(target.count - written)
        return target
    }

    static func decode(_ body: RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
        guard let context = unsafe ZSTD_createDStream() else { throw .outOfMemory(.zstd) }
        defer { _ = unsafe ZSTD_freeDStream(context) }
        var output = GrowingOutput(expecting: body.byteCount, limit: limit)
        var consumed = 0
        while true {
            var written = 0
            var position = consumed
            // Safe: the library stays within the sizes of the two buffers.
            let hint = unsafe output.withRoom { to in
                unsafe body.withUnsafeBytes { from in
                    var source = unsafe ZSTD_inBuffer(
                        src: from.baseAddress, size: from.count, pos: consumed)
                    var target = unsafe ZSTD_outBuffer(dst: to.baseAddress, size: to.count, pos: 0)
                    let hint = unsafe ZSTD_decompressStream(context, &target, &source)
                    written = unsafe target.pos
                    position = unsafe source.pos
                    return hint
                }
            }
            if ZSTD_isError(hint) != 0 { throw .malformed(.zstd) }
            output.fill(written)
            if hint == 0 { return output.bytes }
            if written == 0, position == consumed, output.roomCount > 0 { throw .malformed(.zstd) }
            consumed = position
            if output.roomCount == 0, !output.grow() { throw .exceedsBound(.zstd, limit: limit) }
        }
    }
}
