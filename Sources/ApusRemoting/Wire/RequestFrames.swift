// Frames of requests that are written before they are sent: one behind the other, with binary
// headers, and without their numbers, which a connection gives when they go.

internal import ApusFormat

/// A request that is sent again and again, each time with another number in one field, another end
/// of its last field, and another body.
package struct RequestTemplate: Sendable {
    fileprivate let bytes: [UInt8]
    fileprivate let places: Places

    /// Where in a frame stand what differs from one to the next.
    struct Places: Sendable {
        /// The digits of the number.
        let number: Int
        /// The length of the last field.
        let last: Int
        /// The length of all fields: a request has no remark before them.
        static let fields = Frame.prefix + BinaryHeader.size
    }

    /// Numbers of another length have no place in a template.
    package static let numbers: Range<Int64> = 1_000_000_000_000..<10_000_000_000_000
    static let digits = 13

    /// `number` and `last` are names of fields, and `start` is what the last one always begins
    /// with.
    package init(
        _ code: RequestCode, number: StaticString, last: StaticString, start: RawSpan,
        fields: (inout FieldWriter) -> Void
    ) {
        var writer = FieldWriter()
        writer.encoder.begin(HeaderNumbers(asking: code, 0), remark: nil, .binary)
        fields(&writer)
        writer.append(number, Self.numbers.lowerBound)
        let numberPlace = writer.encoder.byteCount - Self.digits
        writer.append(last, start)
        places = Places(
            number: numberPlace, last: writer.encoder.byteCount - start.byteCount - 4)
        writer.encoder.end(remark: nil, bodyCount: 0)
        bytes = [UInt8](writer.encoder.bytes)
    }
}

/// Such frames, in memory that is used again.
package struct RequestFrames: Sendable {
    private var fields = FieldWriter()

    package init() {}

    package var byteCount: Int { fields.encoder.byteCount }

    /// Appends a request, and answers where it begins.
    @discardableResult
    package mutating func append(
        _ code: RequestCode, fields write: (inout FieldWriter) -> Void, body: RawSpan
    ) -> Int {
        let start = byteCount
        fields.encoder.begin(HeaderNumbers(asking: code, 0), remark: nil, .binary)
        write(&fields)
        fields.encoder.end(remark: nil, bodyCount: body.byteCount)
        fields.encoder.sink.append(body)
        return start
    }

    /// Appends a request like `template` with `number`, one of `RequestTemplate.numbers`; its last
    /// field goes on with 12 digits, those of `word` and `short` in hexadecimal, and `end`. Answers
    /// where it begins.
    @discardableResult
    package mutating func append(
        _ template: RequestTemplate, number: Int64, _ word: UInt32, _ short: UInt16,
        end: RawSpan, body: RawSpan
    ) -> Int {
        let start = byteCount
        let (head, places) = (template.bytes, template.places)
        fields.encoder.sink.append(
            atMost: head.count &+ 12 &+ end.byteCount &+ body.byteCount
        ) { span, place in
            span.put(head.rawSpan, at: &place)
            span.put(word.hexadecimalDigits, at: &place)
            span.put(short.hexadecimalDigits, at: &place)
            span.put(end, at: &place)
            let header = place &- start &- Frame.prefix
            let fields = RequestTemplate.Places.fields
            span.storeBigEndian(
                Int32(truncatingIfNeeded: header &+ Frame.prefix &- fields &- 4),
                at: start &+ fields)
            span.storeBigEndian(
                Int32(truncatingIfNeeded: header &+ Frame.prefix &- places.last &- 4),
                at: start &+ places.last)
            span.storeBigEndian(
                Frame.start(header: header, .binary, body: body.byteCount), at: start)
            var digits = start &+ places.number
            span.put(decimal: number, at: &digits)
            span.put(body, at: &place)
        }
        return start
    }

    /// Gives the request that begins at `place` its number.
    package mutating func setOpaque(_ opaque: Int32, at place: Int) {
        fields.encoder.sink.put(
            opaque, at: place + Frame.prefix + BinaryHeader.opaque.offset)
    }

    /// The bytes of some of the frames.
    @_lifetime(borrow self)
    package func bytes(_ range: Range<Int>) -> RawSpan { fields.encoder.bytes.extracting(range) }

    /// Begins anew, and keeps the memory if it is not more than so many bytes.
    package mutating func removeAll(keeping limit: Int) {
        fields.encoder.sink.removeAll(keeping: limit)
    }
}
