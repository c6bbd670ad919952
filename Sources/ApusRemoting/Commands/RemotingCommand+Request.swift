// An owned command, shown as handlers see one: for requests that are carried out later.

internal import ApusFormat

extension HeaderLimits {
    /// For what was held to bounds when it came: put into UTF-8 it may have become longer.
    package static let none = HeaderLimits(
        frameBytes: .max, headerBytes: .max, fields: .max, nameBytes: .max, valueBytes: .max)
}

extension RemotingCommand {
    /// Gives `body` a view of this command, as it would have come over the wire.
    public func withRequest<Result, Failure: Error>(
        _ body: (borrowing Request) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        var index = HeaderIndex()
        guard let frame = try? Frame(bytes.rawSpan),
            (try? index.read(frame.header, frame.serialization, .none)) != nil
        else { return nil }
        return try body(Request(index, frame))
    }
}
