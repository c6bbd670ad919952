// zlib streams, through libdeflate. The only file that imports it.

private import CDeflate

/// zlib streams.
enum Zlib {
    /// zlib's own, as RocketMQ takes them; 0 does not compress.
    static let levels = 0...9

    static func encode(_ body: RawSpan, level: Int) throws(CompressionError) -> [UInt8] {
        guard let compressor = unsafe libdeflate_alloc_compressor(Int32(level)) else {
            throw .outOfMemory(.zlib)
        }
        defer { unsafe libdeflate_free_compressor(compressor) }
        let bound = unsafe libdeflate_zlib_compress_bound(compressor, body.byteCount)
        let bytes = unsafe GrowingOutput.encoded(bound: bound) { target in
            // Safe: the library stays within the sizes of the two buffers.
            let written = unsafe body.withUnsafeBytes { source in
                unsafe libdeflate_zlib_compress(
                    compressor, source.baseAddress, source.count, target.baseAddress, target.count)
            }
            return written > 0 ? written : nil
        }
        guard let bytes else { throw .outOfMemory(.zlib) }
        return bytes
    }

    static func decode(_ body: RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
        guard let decompressor = unsafe libdeflate_alloc_decompressor() else {
            throw .outOfMemory(.zlib)
        }
        defer { unsafe libdeflate_free_decompressor(decompressor) }
        return try unsafe GrowingOutput.decoded(
            .zlib, limit: limit, first: body.byteCount * 4
        ) { target in
            var taken = 0
            var written = 0
            // Safe: the library stays within the sizes of the two buffers.
            let result = unsafe body.withUnsafeBytes { source in
                unsafe libdeflate_zlib_decompress_ex(
                    decompressor, source.baseAddress, source.count, target.baseAddress,
                    target.count, &taken, &written)
            }
            switch result {
            case LIBDEFLATE_SUCCESS: return .whole(written)
            case LIBDEFLATE_INSUFFICIENT_SPACE: return .roomTooSmall
            default: return .malformed
            }
        }
    }
}
