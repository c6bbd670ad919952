// The only handler of a connection: bytes to requests, in place, and one flush for each read cycle.
//
// While more than the upper mark waits to be written, a server reads and parses nothing; the bytes
// that had come by then are held. A client reads on: if each end waited for the other to read, both
// would wait for ever.

internal import ApusFormat
internal import Logging
internal import NIOCore

/// Runs on its connection's event loop.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let configuration: RemotingConfiguration
    private let processor: any RequestProcessor
    private let logger: Logger
    private let isServer: Bool
    private let watch: IdleWatch
    private let handshakes: ServerHandshakes?

    /// Those of a stranger, at first.
    private var limits: HeaderLimits
    private var isStranger = false
    private var decoder: FrameDecoder
    private var index = HeaderIndex()
    private var connection: Connection?
    /// The connection when its channel is gone: who asks for it late must not make another, which
    /// nothing would ever end.
    private var ended: Connection?
    /// What the processor keeps for this connection.
    private var memo: AnyObject?
    /// What may come before the first frame; nil behind it, and for a client.
    private var start: ConnectionStart?
    /// The address that a proxy told.
    private var source: HostAddress?
    private var isSecured = false
    /// Whether anything has come.
    private var hasHeard = false
    private var isPaused = false
    /// Bytes that came and were not looked at: before the start is known, and while paused.
    private var held: ByteBuffer?

    init(
        isServer: Bool, _ configuration: RemotingConfiguration,
        _ processor: any RequestProcessor, _ logger: Logger,
        _ handshakes: ServerHandshakes? = nil
    ) {
        self.isServer = isServer
        self.configuration = configuration
        self.processor = processor
        self.logger = logger
        self.handshakes = handshakes
        if isServer {
            start = ConnectionStart(
                mayHaveProxy: configuration.acceptsProxyProtocol,
                takesHandshakes: handshakes != nil,
                takesPlaintext: configuration.serverTLS.mode != .enforcing)
        }
        watch = IdleWatch(configuration, expectsFrame: isServer)
        limits = configuration.limits
        if isServer, let bytes = configuration.strangerFrameBytes {
            isStranger = true
            limits.frameBytes = min(limits.frameBytes, bytes)
        }
        decoder = FrameDecoder(limits: limits)
    }

    // MARK: the channel

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        watch.start(on: context.eventLoop) { [self] in
            connection?.shrink()
            index = HeaderIndex()
            memo = nil
            if !decoder.isInFrame { decoder = FrameDecoder(limits: limits) }
        } close: { [self] reason in
            guard let connection else {
                channel.close(promise: nil)
                return true
            }
            // A client's connection may be silent as long as it has a question open.
            if connection.hasPendingRequests { return false }
            connection.close(reason: reason)
            return true
        }
        if !isServer { _ = opened(channel) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        watch.stop()
        held = nil
        memo = nil
        guard let connection else { return }
        self.connection = nil
        ended = connection
        connection.note(reason: "the peer closed it\(hint)")
        logger.debug(
            "connection closed",
            metadata: [
                "remote": "\(connection.remoteAddress)", "reason": "\(connection.reason)",
            ])
        connection.end()
        processor.connectionClosed(connection)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let words = HandshakeFailure.words(error)
        if let connection {
            // Once the server has answered, its handshake is over.
            if !isServer, !hasHeard, let refusal = HandshakeFailure.refusal(error) {
                connection.close(refusal: refusal)
            } else {
                connection.close(reason: words + hint)
            }
        } else {
            guard isSecured else { return context.close(promise: nil) }
            refuse(context.channel, "TLS failed: \(words)")
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        watch.noteActivity()
        hasHeard = true
        if var all = held {
            held = nil
            all.writeBuffer(&buffer)
            buffer = all
        }
        if isPaused {
            held = buffer
        } else {
            receive(buffer, context.channel)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard let connection else { return }
        connection.endCycle()
        connection.drain()
        if isServer, !isPaused, !context.channel.isWritable { pause(context.channel) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard let connection, context.channel.isWritable else { return }
        watch.noteActivity()
        connection.drain()
        guard isPaused, context.channel.isWritable else { return }
        isPaused = false
        if let buffer = held {
            held = nil
            receive(buffer, context.channel)
            connection.drain()
        }
        if !isPaused { setReading(true, context.channel) }
    }

    /// A server that takes nothing but TLS can say no more to plaintext than to close.
    private var hint: String {
        isServer || hasHeard || configuration.clientTLS != nil
            ? "" : " and had said nothing: it may take TLS alone"
    }

    /// The connection, which is made at the first call.
    func opened(_ channel: any Channel) -> Connection {
        if let known = connection ?? ended { return known }
        let made = Connection(
            channel: channel, remote: source ?? HostAddress(channel.remoteAddress),
            local: HostAddress(channel.localAddress), configuration: configuration)
        connection = made
        processor.connectionOpened(made)
        return made
    }

    /// The connection, if there is one by now.
    var openConnection: Connection? { connection }

    // MARK: reading

    private func receive(_ bytes: ByteBuffer, _ channel: any Channel) {
        var buffer = bytes
        if start != nil, !passStart(&buffer, channel) { return }
        let connection = opened(channel)
        // What comes behind a malformed frame means nothing.
        guard connection.isOpen else { return }
        connection.beginCycle()
        do throws(FrameError) {
            while buffer.readableBytes > 0 {
                let used = try take(buffer, connection)
                buffer.moveReaderIndex(forwardBy: used)
                // All are used unless much waits to be written.
                guard buffer.readableBytes > 0 else { return }
                guard connection.isOpen else { return }
                connection.drain()
                if isServer, !channel.isWritable {
                    held = buffer
                    return pause(channel)
                }
                connection.beginCycle()
            }
        } catch {
            logger.warning(
                "malformed frame, connection closed",
                metadata: ["remote": "\(connection.remoteAddress)", "reason": "\(error)"])
            connection.close(reason: "malformed frame: \(error)")
        }
    }

    /// Goes over what stands before the first frame; false when no frame is there yet, or will be.
    private func passStart(_ buffer: inout ByteBuffer, _ channel: any Channel) -> Bool {
        while true {
            switch start?.next(buffer.readableBytesSpan) {
            case .proxy(let told, let byteCount):
                buffer.moveReaderIndex(forwardBy: byteCount)
                source = told
            case .incomplete:
                if buffer.readableBytes > 0 { held = buffer }
                return false
            case .handshake:
                start = nil
                secure(buffer, channel)
                return false
            case .refused(let reason):
                refuse(channel, reason)
                return false
            case .frames, nil:
                start = nil
                return true
            }
        }
    }

    /// From now on what comes is decrypted before it comes here, and what goes is encrypted.
    private func secure(_ bytes: ByteBuffer, _ channel: any Channel) {
        isSecured = true
        do {
            try handshakes?.begin(on: channel, before: self, with: bytes)
        } catch {
            refuse(channel, "TLS failed: \(error)")
        }
    }

    /// Closes a connection that has not come to its first frame.
    private func refuse(_ channel: any Channel, _ reason: String) {
        logger.warning(
            "\(reason), connection closed",
            metadata: ["remote": "\(source ?? HostAddress(channel.remoteAddress))"])
        channel.close(promise: nil)
    }

    /// Handles whole frames until too much waits to be written; answers how many bytes were used.
    private func take(
        _ buffer: ByteBuffer, _ connection: Connection
    ) throws(FrameError) -> Int {
        // Moved out while they are used, so that they are the only ones of their memory.
        var decoder = FrameDecoder(limits: limits)
        var index = HeaderIndex()
        var memo: AnyObject?
        swap(&decoder, &self.decoder)
        swap(&index, &self.index)
        swap(&memo, &self.memo)
        defer {
            swap(&decoder, &self.decoder)
            swap(&index, &self.index)
            swap(&memo, &self.memo)
        }
        let used = try decoder.take(buffer.readableBytesSpan) { frame throws(FrameError) in
            try index.read(frame.header, frame.serialization, limits)
            watch.noteFrame()
            handle(Request(index, frame), connection, &memo)
            // The next frame may be longer already.
            if isStranger, connection.isTrusted { return false }
            return connection.mayGoOn(below: configuration.writeMarks.upperBound)
        }
        if isStranger, connection.isTrusted {
            isStranger = false
            limits = configuration.limits
            decoder.limits = limits
        }
        return used
    }

    private func handle(
        _ request: borrowing Request, _ connection: Connection, _ memo: inout AnyObject?
    ) {
        guard request.isResponse else {
            processor.process(request, on: connection, keeping: &memo)
            return
        }
        if !connection.complete(request) {
            logger.debug(
                "response that nobody waits for",
                metadata: [
                    "remote": "\(connection.remoteAddress)", "opaque": "\(request.opaque)",
                ])
        }
    }

    // MARK: backpressure

    private func pause(_ channel: any Channel) {
        isPaused = true
        setReading(false, channel)
    }

    private func setReading(_ isReading: Bool, _ channel: any Channel) {
        // Only a channel that is closed refuses, and reads no more anyway.
        try? channel.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
