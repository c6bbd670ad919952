// What waits to be written to a connection: frames, one behind the other in one buffer.
//
// Any thread encodes its frames straight into the buffer, under the connection's lock. The event
// loop takes the buffer and hands it to the channel: at the end of each read cycle, or when a drain
// was scheduled. Two buffers go to and fro, so that nothing is allocated once they have their size.

internal import ApusFormat
internal import NIOCore

/// The frames of a connection that are not with its channel yet.
struct Outbound {
    /// Frames, whole.
    private(set) var buffer = ByteBuffer()
    private var spare = ByteBuffer()
    private var fields = FieldWriter()
    /// The event loop is reading, and drains when it is done.
    var isInCycle = false
    /// A drain is on its way to the event loop.
    var isScheduled = false
    /// Nothing is taken any more.
    var isClosed = false

    var byteCount: Int { buffer.readableBytes }

    /// Room that a buffer may keep between two drains.
    private static let keptCapacity = 64 << 10

    mutating func append(_ command: RemotingCommand) {
        fields.encoder.encode(command)
        writeHeader()
        buffer.writeBytes(command.body)
    }

    /// Writes a response whose fields come from a closure.
    mutating func append(
        _ numbers: HeaderNumbers, remark: String?, _ serialization: HeaderSerialization,
        fields write: (inout FieldWriter) -> Void
    ) {
        fields.encoder.begin(numbers, remark: remark, serialization)
        write(&fields)
        fields.encoder.end(remark: remark, bodyCount: 0)
        writeHeader()
    }

    /// The same with a body from another closure.
    mutating func append(
        _ numbers: HeaderNumbers, remark: String?, _ serialization: HeaderSerialization,
        fields write: (inout FieldWriter) -> Void, body: (inout BodyWriter) -> Void
    ) {
        let start = buffer.writerIndex
        append(numbers, remark: remark, serialization, fields: write)
        let bodyStart = buffer.writerIndex
        // Moved out and back, so that it stays the only one of its memory.
        var writer = BodyWriter(buffer: ByteBuffer())
        swap(&writer.buffer, &buffer)
        body(&writer)
        swap(&writer.buffer, &buffer)
        let bodyCount = buffer.writerIndex - bodyStart
        if bodyCount > 0 {
            let length = fields.encoder.byteCount - Frame.length.end + bodyCount
            buffer.setInteger(Int32(truncatingIfNeeded: length), at: start)
        }
    }

    private mutating func writeHeader() { Self.write(fields.encoder, into: &buffer) }

    private static func write(_ encoder: borrowing HeaderEncoder, into buffer: inout ByteBuffer) {
        buffer.writeBytes(encoder.bytes)
    }

    /// What is to be written now; nil when there is nothing.
    mutating func take() -> ByteBuffer? {
        guard buffer.readableBytes > 0 else { return nil }
        var ready = ByteBuffer()
        swap(&ready, &buffer)
        swap(&buffer, &spare)
        if buffer.capacity > 0 { buffer.clear() }
        return ready
    }

    /// Keeps the memory of what was written, once the channel is through with it.
    mutating func giveBack(_ written: ByteBuffer) {
        if written.capacity <= Self.keptCapacity { spare = written }
    }

    /// Lets go of everything: nobody reads it any more.
    mutating func discard() {
        isClosed = true
        buffer = ByteBuffer()
        shrink()
    }

    /// Lets go of memory that was kept.
    mutating func shrink() {
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        spare = ByteBuffer()
        fields = FieldWriter()
    }
}

/// Takes the fields of a response, in order.
public struct FieldWriter {
    var encoder = HeaderEncoder()

    public mutating func append(_ name: StaticString, _ value: Int64) {
        encoder.field(name, value)
    }

    public mutating func append(_ name: StaticString, _ value: some BinaryInteger) {
        encoder.field(name, Int64(truncatingIfNeeded: value))
    }

    public mutating func append(_ name: StaticString, _ value: RawSpan) {
        encoder.field(name, value)
    }

    /// The same for a value that needs no escapes in JSON: letters, digits and the like.
    public mutating func append(_ name: StaticString, plain value: RawSpan) {
        encoder.field(name, plain: value)
    }

    public mutating func append(_ name: StaticString, _ value: String) {
        encoder.field(name, value)
    }

    public mutating func append(_ fields: PreparedFields) { encoder.fields(fields) }

    public mutating func append(_ name: StaticString, _ value: Bool) {
        encoder.field(name, value ? "true" : "false")
    }
}

/// Takes the body of a response, piece by piece, straight into what is written.
public struct BodyWriter {
    fileprivate(set) var buffer: ByteBuffer

    /// Copies `bytes` behind what is there.
    public mutating func append(_ bytes: RawSpan) { buffer.writeBytes(bytes) }

    public mutating func append(_ bytes: [UInt8]) { buffer.writeBytes(bytes) }
}
