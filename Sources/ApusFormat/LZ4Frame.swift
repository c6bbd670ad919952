// The LZ4 frame format, through liblz4. The only file that imports it.

private import CLZ4

/// LZ4 frames.
enum LZ4Frame {
    static let levels = 0...12

    static func encode(_ body: RawSpan, level: Int) throws(CompressionError) -> [UInt8] {
        var preferences = LZ4F_preferences_t()
        preferences.compressionLevel = Int32(level)
        preferences.frameInfo.contentSize = UInt64(body.byteCount)
        let bound = unsafe LZ4F_compressFrameBound(body.byteCount, &preferences)
        var target = [UInt8](repeating: 0, count: bound)
        // Safe: both pointers are used within the call, for no more bytes than their buffers have.
        let written = unsafe target.withUnsafeMutableBytes { to in
            unsafe body.withUnsafeBytes { from in
                unsafe LZ4F_compressFrame(
                    to.baseAddress, to.count, from.baseAddress, from.count, &preferences)
            }
        }
        if LZ4F_isError(written) != 0 { throw .outOfMemory(.lz4) }
        target.removeLast(target.count - written)
        return target
    }

    static func decode(_ body: RawSpan, limit: Int) throws(CompressionError) -> [UInt8] {
        var context: OpaquePointer?
        let made = unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(made) == 0, let context = unsafe context else {
            throw .outOfMemory(.lz4)
        }
        defer { _ = unsafe LZ4F_freeDecompressionContext(context) }
        var output = GrowingOutput(expecting: body.byteCount, limit: limit)
        var consumed = 0
        while true {
            var step = output.roomCount
            var taken = body.byteCount - consumed
            // Safe: the library writes at most `step` bytes and reads at most `taken`.
            let hint = unsafe output.withRoom { to in
                unsafe body.withUnsafeBytes { from in
                    unsafe LZ4F_decompress(
                        context, to.baseAddress, &step,
                        from.baseAddress.map { unsafe $0 + consumed },
                        &taken, nil)
                }
            }
            if LZ4F_isError(hint) != 0 { throw .malformed(.lz4) }
            consumed += taken
            output.fill(step)
            if hint == 0 { return output.bytes }
            if step == 0, taken == 0, output.roomCount > 0 { throw .malformed(.lz4) }
            if output.roomCount == 0, !output.grow() { throw .exceedsBound(.lz4, limit: limit) }
        }
    }
}
