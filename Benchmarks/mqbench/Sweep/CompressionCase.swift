// What a compression sweep goes through: ways to compress, kinds of bodies, sizes.

import ApusFormat
import ApusStore
import Bench

/// A way to store bodies.
struct CodecChoice: Hashable, Sendable {
    /// nil stores them as they come.
    let codec: BodyCodec?
    let level: Int

    static let none = CodecChoice(codec: nil, level: 0)

    /// From fast to small, each codec.
    static let all =
        [none]
        + [(BodyCodec.lz4, [0, 3, 6, 9, 12]), (.zlib, [1, 5, 9]), (.zstd, [1, 3, 9, 19])]
        .flatMap { codec, levels in levels.map { CodecChoice(codec: codec, level: $0) } }

    static let few = [
        none, CodecChoice(codec: .lz4, level: 0), CodecChoice(codec: .zstd, level: 3),
    ]

    /// `LZ4 HC` is LZ4 from level 3 on.
    var name: String {
        switch codec {
        case nil: "none"
        case .lz4: level < 3 ? "LZ4" : "LZ4 HC \(level)"
        case .zlib: "zlib \(level)"
        case .zstd: "Zstandard \(level)"
        }
    }

    /// As it stands in a configuration.
    var inSwift: String {
        guard let codec else { return "compression = nil" }
        return "compression = CompressionSettings(algorithm: .\(codec), level: \(level))"
    }

    /// The store's settings, whatever the size of a body.
    var settings: CompressionSettings? {
        codec.map { CompressionSettings(algorithm: $0, level: level, thresholdByteCount: 0) }
    }
}

/// One combination that is measured.
struct CompressionCase: Sendable {
    let kind: BodyKind
    let body: Int
    let choice: CodecChoice

    var parameters: [(String, JSONValue)] {
        [
            ("codec", .string(choice.name)), ("kind", .string(kind.rawValue)),
            ("body", .count(body)),
        ]
    }
}

/// What a compression sweep does.
struct CompressionPlan: Sendable {
    let cases: [CompressionCase]
    let seconds: Double
    let isSmoke: Bool
    let parent: String
    /// Sends a byte that is not what the check expects.
    let plantsWrongBody: Bool

    static let flags = [
        Flag("--kinds", "KIND,…", "of text, json, random; all"),
        Flag("--bodies", "BYTES,…", "bytes of a body before compression; 1k,16k"),
        Flag("--plant-wrong-body", nil, ""),
    ]

    init(_ options: Options) throws {
        isSmoke = options.has("--smoke")
        seconds = try options.decimal("--seconds", isSmoke ? 2 : 90, upTo: 3600)
        parent = try RunSettings(options).parent
        plantsWrongBody = options.has("--plant-wrong-body")
        let kinds = try options.choices("--kinds", BodyKind.allCases.map(\.rawValue))
            .compactMap { BodyKind(rawValue: $0) }
        let bodies = try options.numbers(
            "--bodies", isSmoke ? [1 << 10] : [1 << 10, 16 << 10], in: 16...(1 << 20))
        let choices = isSmoke ? CodecChoice.few : CodecChoice.all
        cases = bodies.flatMap { body in
            kinds.flatMap { kind in
                choices.map { CompressionCase(kind: kind, body: body, choice: $0) }
            }
        }
    }
}
