// zlib streams, through libdeflate. The only file that imports it.
//
// libdeflate wants the whole output at once, so decoding tries again with twice the room until the
// bound is reached.

private import CDeflate

/// zlib streams.
enum Zlib {
    static let levels = 0...12

    static func encode(_ body: RawSpan, level: Int) throws(CompressionError) -> [UInt8] {
        guard let compressor = unsafe libdeflate_alloc_compressor(Int32(level)) else {
            throw .outOfMemory(.zlib)
        }
        defer { unsafe libdeflate_free_compressor(compressor) }
        let bound = unsafe libdeflate_zlib_compress_bound(compressor, body.byteCount)
        var target = [UInt8](repeating: 0, count: bound)
        // Safe: both pointers are used within the call, for no more bytes than their buffers have.
        let written = unsafe target.withUnsafeMutableBytes { to in
            unsafe body.withUnsafeBytes { from in
                unsafe libdeflate_zlib_compress(
                    compressor, from.baseAddress, from.count, to.baseAddress, to.count)
            }
        }
        guard written > 0 else { throw .outOfMemory(.zlib) }
        target.removeLast(target.count - written)
        return target
    }

    static func decode(_ body: RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
        guard let decompressor = unsafe libdeflate_alloc_decompressor() else {
            throw .outOfMemory(.zlib)
        }
        defer { unsafe libdeflate_free_decompressor(decompressor) }
        var output = GrowingOutput(expecting: body.byteCount, limit: limit)
        while true {
            var taken = 0
            var written = 0
            // Safe: the library stays within the sizes of the two buffers.
            let result = unsafe output.withRoom { to in
                unsafe body.withUnsafeBytes { from in
                    unsafe libdeflate_zlib_decompress_ex(
                        decompressor, from.baseAddress, from.count, to.baseAddress, to.count,
                        &taken, &written)
                }
            }
            switch result {
            case LIBDEFLATE_SUCCESS:
                output.fill(written)
                return output.bytes
            case LIBDEFLATE_INSUFFICIENT_SPACE:
                guard output.grow() else { throw .exceedsBound(.zlib, limit: limit) }
            default: throw .malformed(.zlib)
            }
        }
    }
}
