// What waits to be written to a connection: frames, one behind the other.
//
// Any thread encodes its frames under the connection's lock. The event loop copies all of them into
// a buffer and hands it to the channel: at the end of each read cycle, or when a drain was
// scheduled. Frames are not written into the buffer themselves, which asks at each piece who else
// has it. The buffer comes back, so that nothing is allocated once it has its size.
//
// A large body is the exception: its few pieces go straight into a buffer of `SpareMemory`, behind
// all that waited before it.

internal import ApusFormat
internal import NIOCore

/// The frames of a connection that are not with its channel yet.
struct Outbound {
    /// Has written the frames.
    var fields = FieldWriter()
    private var spare = ByteBuffer()
    /// What stands before all that `fields` has written; it has no memory until a large body comes.
    private var large = ByteBuffer()
    /// The event loop is reading, and drains when it is done.
    var isInCycle = false
    /// A drain is on its way to the event loop.
    var isScheduled = false
    /// Nothing is taken any more.
    var isClosed = false

    var byteCount: Int { large.readableBytes + fields.encoder.byteCount }

    /// Bytes of memory that are there for what is written next.
    var keptByteCount: Int { fields.encoder.sink.capacity + spare.capacity + large.capacity }

    /// Bytes that a buffer may keep between two drains, and what is written into twice of that.
    private static let keptCapacity = 64 << 10

    /// A body from this size on is large: copying it twice costs more than a buffer of its own.
    private static let largeBody = 16 << 10

    mutating func append(_ command: RemotingCommand) {
        fields.encoder.encode(command)
        fields.encoder.sink.append(command.body.rawSpan)
    }

    /// Writes whole frames.
    mutating func append(_ frames: RawSpan) { fields.encoder.sink.append(frames) }

    /// Writes a response whose fields come from a closure.
    mutating func append(
        _ numbers: HeaderNumbers, remark: String?, _ serialization: HeaderSerialization,
        fields write: (inout FieldWriter) -> Void
    ) {
        fields.encoder.begin(numbers, remark: remark, serialization)
        write(&fields)
        fields.encoder.end(remark: remark, bodyCount: 0)
    }

    /// The same with a body from another closure, of about so many bytes.
    mutating func append(
        _ numbers: HeaderNumbers, remark: String?, _ serialization: HeaderSerialization,
        expecting bodyByteCount: Int = 0, fields write: (inout FieldWriter) -> Void,
        body: (inout BodyWriter) -> Void
    ) {
        append(numbers, remark: remark, serialization, fields: write)
        if bodyByteCount >= Self.largeBody { return append(large: bodyByteCount, body) }
        // Moved out and back, so that it stays the only one of its memory.
        var writer = BodyWriter()
        swap(&writer.sink, &fields.encoder.sink)
        body(&writer)
        swap(&writer.sink, &fields.encoder.sink)
        fields.encoder.setBody()
    }

    /// The body of the frame whose header was the last that was written.
    private mutating func append(large bodyByteCount: Int, _ body: (inout BodyWriter) -> Void) {
        let wanted = fields.encoder.byteCount + bodyByteCount
        if large.capacity == 0, var kept = SpareMemory.buffers.take() {
            swap(&large, &kept)
            // In memory of its own, should a channel still write what stands in it.
            large.clear()
        }
        large.reserveCapacity(minimumWritableBytes: wanted)
        let frame = large.writerIndex + fields.encoder.start
        moveToLarge()
        var writer = BodyWriter(isLarge: true)
        swap(&writer.large, &large)
        body(&writer)
        swap(&writer.large, &large)
        let length = large.writerIndex - frame - Frame.length.end
        large.setInteger(Int32(truncatingIfNeeded: length), at: frame + Frame.length.offset)
    }

    /// What was written goes behind what is large already.
    private mutating func moveToLarge() {
        var target = ByteBuffer()
        swap(&target, &large)
        target.writeBytes(fields.encoder.bytes)
        swap(&target, &large)
        fields.encoder.sink.removeAll(keeping: 2 * Self.keptCapacity)
    }

    /// What is to be written now; nil when there is nothing.
    mutating func take() -> ByteBuffer? {
        guard byteCount > 0 else { return nil }
        var ready = ByteBuffer()
        if large.readableBytes > 0 {
            moveToLarge()
            swap(&ready, &large)
            return ready
        }
        swap(&ready, &spare)
        if ready.capacity > 0 { ready.clear() }
        ready.writeBytes(fields.encoder.bytes)
        // It grows by doubling, and may be twice as long as what was written.
        fields.encoder.sink.removeAll(keeping: 2 * Self.keptCapacity)
        return ready
    }

    /// Keeps the memory of what was written, once the channel is through with it.
    mutating func giveBack(_ written: ByteBuffer) {
        if written.capacity <= Self.keptCapacity {
            spare = written
        } else {
            SpareMemory.buffers.giveBack(written, capacity: written.capacity)
        }
    }

    /// Lets go of everything: nobody reads it any more.
    mutating func discard() {
        isClosed = true
        fields = FieldWriter()
        spare = ByteBuffer()
        large = ByteBuffer()
    }

    /// Lets go of memory that was kept.
    mutating func shrink() {
        if byteCount == 0 { fields = FieldWriter() }
        spare = ByteBuffer()
        SpareMemory.shrink()
    }
}

/// Takes the fields of a response, in order.
public struct FieldWriter: Sendable {
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
    fileprivate var isLarge = false
    fileprivate var sink = ByteSink()
    fileprivate var large = ByteBuffer()

    /// Copies `bytes` behind what is there.
    public mutating func append(_ bytes: RawSpan) {
        if isLarge { _ = large.writeBytes(bytes) } else { sink.append(bytes) }
    }

    public mutating func append(_ bytes: [UInt8]) { append(bytes.rawSpan) }
}
