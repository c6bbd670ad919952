// A stream of bytes to commands that are owned: what tests and tools read captures with.

/// Cuts bytes into commands, in whatever pieces they come.
package struct CommandStream {
    private let limits: HeaderLimits
    private var decoder: FrameDecoder

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
        var index = HeaderIndex()
        _ = try decoder.take(bytes) { frame throws(FrameError) in
            try index.read(frame.header, frame.serialization, limits)
            commands.append(Request(index, frame).command)
            return true
        }
    }
}
