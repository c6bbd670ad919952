// Frames: a stream in one piece and in many must give the same commands, and the same error.

import ApusFormat
import ApusRemoting

enum FrameTarget {
    /// The first byte says how long the pieces are.
    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        guard let first = input.first else { return }
        let stream = Array(input.dropFirst())
        let whole = commands(in: stream, pieces: max(1, stream.count))
        let pieces = commands(in: stream, pieces: Int(first & 31) + 1)
        try expectEqual(pieces.error, whole.error, "the error of a stream in pieces")
        try expect(pieces.isInFrame == whole.isInFrame, "whether a stream ends in a frame")
        try expectEqual(pieces.commands, whole.commands, "commands of a stream in pieces")
        for command in whole.commands { try roundTrip(command) }
    }

    private static func commands(
        in stream: [UInt8], pieces size: Int
    ) -> (commands: [RemotingCommand], error: FrameError?, isInFrame: Bool) {
        var reader = CommandStream()
        var commands: [RemotingCommand] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            let end = min(start + size, stream.count)
            do throws(FrameError) {
                try reader.take(stream.rawSpan.extracting(start..<end), into: &commands)
            } catch { return (commands, error, false) }
        }
        return (commands, nil, reader.isInFrame)
    }

    /// A command that was decoded is encoded and decoded again.
    static func roundTrip(_ command: RemotingCommand) throws(FuzzFinding) {
        var names = Set<String>()
        // Ill-formed UTF-8 may make one name of two, and texts longer than they came.
        guard command.fields.all.allSatisfy({ names.insert($0.name).inserted }) else { return }
        let limits = HeaderLimits(headerBytes: 4 << 20, nameBytes: 1024, valueBytes: 1 << 20)
        var frame: [UInt8] = []
        command.encode(into: &frame)
        let decoded: RemotingCommand
        do throws(FrameError) {
            decoded = try RemotingCommand(decoding: frame.rawSpan, limits: limits)
        } catch { throw FuzzFinding("a command that we encoded is refused: \(error)") }
        try expectEqual(decoded, command, "a command that is encoded and decoded")
    }
}
