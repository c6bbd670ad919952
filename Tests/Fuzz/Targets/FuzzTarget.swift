// The decoders under fuzz, by name, each with one entry point.
//
// An entry point takes any bytes. It must neither trap nor read outside of them, whatever they are,
// and where a second way to the same answer is cheap it holds the two against each other. The
// fuzzer and the test that goes over the committed corpora both come in here.

import ApusFormat

/// One decoder, or a group of small ones.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// Records of the CommitLog: inspection, fields, checksum property, encoder.
    case record
    /// Properties, the scan of an append, Java's hash.
    case properties
    /// The frames of a client's batch.
    case batch
    /// Entries of ConsumeQueues and BatchConsumeQueues.
    case queue
    /// Header, slots, chains and entries of an IndexFile.
    case index
    /// RocketMQ's checkpoint fields, the durable mark, the marker `abort`.
    case checkpoint
    /// LZ4, Zstandard and zlib, decoding into a bound.
    case body
    /// Host addresses, message ids, file names, topics.
    case names
    /// The settings of a store.
    case configuration
    /// A whole small store: `verify`, recovery, reads, an append, opening again.
    case segment
    /// A stream of frames, in one piece and in many.
    case frame
    /// JSON headers.
    case jsonHeader = "json-header"
    /// Binary headers.
    case binaryHeader = "binary-header"
    /// JSON documents: bodies and state files.
    case json
    /// What a broker registers with a NameServer.
    case registration

    /// Gives the decoder one input. `scratch` is a directory that the target has to itself.
    public func run(_ input: RawSpan, _ scratch: FuzzScratch) throws(FuzzFinding) {
        let bytes = [UInt8](input)
        switch self {
        case .record: try RecordTarget.run(input)
        case .properties: try PropertiesTarget.run(input)
        case .batch: try BatchTarget.run(input)
        case .queue: try QueueTarget.run(input)
        case .index: try IndexTarget.run(bytes, scratch)
        case .checkpoint: try CheckpointTarget.run(bytes, scratch)
        case .body: try BodyTarget.run(input)
        case .names: try NamesTarget.run(bytes)
        case .configuration: try ConfigurationTarget.run(bytes, scratch)
        case .segment: try SegmentTarget.run(bytes, scratch)
        case .frame: try FrameTarget.run(bytes)
        case .jsonHeader: try JSONHeaderTarget.run(bytes)
        case .binaryHeader: try BinaryHeaderTarget.run(bytes)
        case .json: try JSONTarget.run(bytes)
        case .registration: try RegistrationTarget.run(bytes)
        }
    }
}

/// Two ways to one answer that disagree, or a promise that does not hold.
public struct FuzzFinding: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// Fails with `what` unless `holds`.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) throws(FuzzFinding) {
    if !holds { throw FuzzFinding(what()) }
}

/// Fails unless both are equal, and says what they are.
func expectEqual<Value: Equatable>(
    _ found: Value, _ expected: Value, _ what: @autoclosure () -> String
) throws(FuzzFinding) {
    if found != expected { throw FuzzFinding("\(what()): \(found) is not \(expected)") }
}
