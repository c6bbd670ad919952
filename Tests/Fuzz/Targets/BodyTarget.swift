// Bodies: any bytes are decoded into a bound, and any bytes come back from each codec.
//
// First byte: the codec and what is done. Two more: the bound.

import ApusFormat

enum BodyTarget {
    static func run(_ input: RawSpan) throws(FuzzFinding) {
        guard input.byteCount > 3 else { return }
        let options = input.loadBigEndian(UInt8.self, at: 0)
        let limit = Int(input.loadBigEndian(UInt16.self, at: 1)) << (options & 0x80 == 0 ? 0 : 4)
        let data = input.extracting(3..<input.byteCount)
        let codec = BodyCodec.allCases[Int(options & 3) % BodyCodec.allCases.count]
        if options & 4 == 0 {
            try decode(data, codec, limit)
        } else {
            try encode(data, codec, level: Int(options >> 3 & 15))
        }
        for number in 0..<8 { _ = BodyCodec(SystemFlag(rawValue: Int32(number << 8 | 1))) }
    }

    private static func decode(
        _ data: RawSpan, _ codec: BodyCodec, _ limit: Int
    ) throws(FuzzFinding) {
        let body: [UInt8]
        do throws(CompressionError) {
            body = try BodyCompression.decode(data, codec: codec, limit: limit)
        } catch {
            _ = error.description
            return
        }
        try expect(body.count <= limit, "\(body.count) bytes within a bound of \(limit)")
        // The bound is exact, and the outcome does not depend on how much room there was.
        try expectEqual(
            outcome(data, codec, body.count), .success(body), "a bound of just its length")
        if !body.isEmpty {
            try expectEqual(
                outcome(data, codec, body.count - 1),
                .failure(.exceedsBound(codec, limit: body.count - 1)), "a bound below its length")
        }
        try encode(body.rawSpan, codec, level: nil)
    }

    private static func outcome(
        _ data: RawSpan, _ codec: BodyCodec, _ limit: Int
    ) -> Result<[UInt8], CompressionError> {
        do throws(CompressionError) {
            return .success(try BodyCompression.decode(data, codec: codec, limit: limit))
        } catch {
            return .failure(error)
        }
    }

    private static func encode(
        _ body: RawSpan, _ codec: BodyCodec, level: Int?
    ) throws(FuzzFinding) {
        let encoded: [UInt8]
        do throws(CompressionError) {
            // The slow levels find no other decoder.
            let bounded = level.map { codec == .zstd ? min($0, 6) : $0 }
            encoded = try BodyCompression.encode(body, codec: codec, level: bounded)
        } catch {
            if case .invalidLevel = error { return }
            throw FuzzFinding("encoding: \(error)")
        }
        let decoded = outcome(encoded.rawSpan, codec, body.byteCount)
        try expect(decoded == .success([UInt8](body)), "a body comes back from \(codec)")
    }
}
