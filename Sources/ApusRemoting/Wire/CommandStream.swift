// A stream of bytes to commands, owned or as they lie there: what tests and tools read captures and
// hear answers with.

/// Cuts bytes into commands, in whatever pieces they come.
package struct CommandStream {
    private let limits: HeaderLimits
    private var decoder: FrameDecoder
    private var index = HeaderIndex()

    package init(limits: HeaderLimits = HeaderLimits()) {
        self.limits = limits
        decoder = FrameDecoder(limits: limits)
    }

    /// Whether the last bytes were the beginning of a frame.
    package var isInFrame: Bool { decoder.isInFrame }

    /// Appends the commands that `bytes` complete, those before an error included.
    package mutating func take(
        _ bytes: RawSpan, into commands: inout [RemotingCommand]
    ) throws(FrameError) {
        try take(bytes) { commands.append($0.command) }
    }

    /// Shows the commands that `bytes` complete to `visit`, with nothing copied.
    package mutating func take(
        _ bytes: RawSpan, _ visit: (borrowing Request) -> Void
    ) throws(FrameError) {
        // Moved out while they are used: two parts of one value would be changed at once.
        var decoder = FrameDecoder(limits: limits)
        var index = HeaderIndex()
        swap(&decoder, &self.decoder)
        swap(&index, &self.index)
        defer {
            swap(&decoder, &self.decoder)
            swap(&index, &self.index)
        }
        _ = try decoder.take(bytes) { frame throws(FrameError) in
            try index.read(frame.header, frame.serialization, limits)
            visit(Request(index, frame))
            return true
        }
    }
}
