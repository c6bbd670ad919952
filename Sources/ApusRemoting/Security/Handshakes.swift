// TLS itself, by swift-nio-ssl, in a build that has it.

package import NIOCore

#if TLS
    internal import NIOSSL
    internal import NIOTLS

    enum TLSBuild {
        static let hasTLS = true
    }

    /// Speaks TLS on those connections of a server that begin with a handshake.
    struct ServerHandshakes: Sendable {
        private let context: NIOSSLContext

        /// Reads the files. Nil where no connection is to be TLS.
        init?(_ settings: ServerTLS) throws(TLSError) {
            if let problem = settings.problem { throw problem }
            guard settings.mode != .disabled, let certificate = settings.certificatePath,
                let key = settings.keyPath
            else { return nil }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try PEM.chain(certificate, "tls.server.certPath"),
                privateKey: try PEM.key(key, settings.keyPassword, "tls.server.keyPath"))
            configuration.minimumTLSVersion = .tlsv12
            switch settings.clientCertificates {
            case .none: configuration.certificateVerification = .none
            case .optional: configuration.certificateVerification = .optionalVerification
            // A client has no name to be checked.
            case .require: configuration.certificateVerification = .noHostnameVerification
            }
            if let path = settings.trustPath {
                configuration.trustRoots = try PEM.roots(path, "tls.server.trustCertPath")
            }
            context = try PEM.context(configuration)
        }

        /// Puts TLS before `handler`; what has come so far goes through the pipeline once more.
        func begin(
            on channel: any Channel, before handler: FrameHandler, with bytes: ByteBuffer
        ) throws {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(
                NIOSSLServerHandler(context: context), position: .before(handler))
            pipeline.fireChannelRead(NIOAny(bytes))
        }
    }

    /// Speaks TLS on the connections of a client.
    package struct ClientHandshakes: Sendable {
        private let context: NIOSSLContext

        package init(_ settings: ClientTLS) throws(TLSError) {
            if let problem = settings.problem { throw problem }
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            configuration.certificateVerification =
                settings.verifiesServer ? .fullVerification : .none
            if let path = settings.trustPath {
                configuration.trustRoots = try PEM.roots(path, "tls.client.trustCertPath")
            }
            if let certificate = settings.certificatePath, let key = settings.keyPath {
                configuration.certificateChain = try PEM.chain(certificate, "tls.client.certPath")
                configuration.privateKey = try PEM.key(
                    key, settings.keyPassword, "tls.client.keyPath")
            }
            context = try PEM.context(configuration)
        }

        /// Has the connection to `host` begin with a handshake. Before any other handler is there.
        package func begin(on channel: any Channel, host: String) throws {
            // An address is no name to be sent; it is checked against the certificate all the same.
            let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
            try channel.pipeline.syncOperations.addHandlers(
                NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host),
                HandshakeWatch(channel.eventLoop.makePromise(), host: host))
        }

        /// Fulfilled when the handshake is done; fails with it, or when it takes longer.
        package func finished(
            on channel: any Channel, within time: TimeAmount
        ) -> EventLoopFuture<Void> {
            do {
                return try channel.pipeline.syncOperations.handler(type: HandshakeWatch.self)
                    .wait(within: time, channel)
            } catch {
                return channel.eventLoop.makeFailedFuture(error)
            }
        }
    }

    /// Tells how a client's handshake ended: if badly, with a `TLSError`.
    private final class HandshakeWatch: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let promise: EventLoopPromise<Void>
        private let host: String

        init(_ promise: EventLoopPromise<Void>, host: String) {
            self.promise = promise
            self.host = host
        }

        func wait(within time: TimeAmount, _ channel: any Channel) -> EventLoopFuture<Void> {
            let promise = promise
            let timer = channel.eventLoop.scheduleTask(in: time) {
                promise.fail(TLSError.handshake(reason: "the server does not answer the handshake"))
                channel.close(promise: nil)
            }
            promise.futureResult.whenComplete { _ in timer.cancel() }
            return promise.futureResult
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted = event as? TLSUserEvent { promise.succeed() }
            context.fireUserInboundEventTriggered(event)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            promise.fail(HandshakeFailure.ofClient(error, host: host))
            context.fireErrorCaught(error)
        }

        // A promise that somebody keeps has to be ended, whatever ends the channel.
        func handlerRemoved(context: ChannelHandlerContext) {
            promise.fail(TLSError.handshake(reason: "the connection closed"))
        }
    }

    /// Reads files, with errors that name them.
    private enum PEM {
        static func chain(
            _ path: String, _ key: String
        ) throws(TLSError) -> [NIOSSLCertificateSource] {
            try read(path, key) {
                try NIOSSLCertificate.fromPEMFile(path).map { .certificate($0) }
            }
        }

        static func roots(_ path: String, _ key: String) throws(TLSError) -> NIOSSLTrustRoots {
            try read(path, key) { .certificates(try NIOSSLCertificate.fromPEMFile(path)) }
        }

        static func key(
            _ path: String, _ password: String?, _ key: String
        ) throws(TLSError) -> NIOSSLPrivateKeySource {
            try read(path, key) {
                guard let password else {
                    return .privateKey(try NIOSSLPrivateKey(file: path, format: .pem))
                }
                let key = try NIOSSLPrivateKey(file: path, format: .pem) { setter in
                    setter(password.utf8)
                }
                return .privateKey(key)
            }
        }

        static func context(
            _ configuration: TLSConfiguration
        ) throws(TLSError) -> NIOSSLContext {
            do { return try NIOSSLContext(configuration: configuration) } catch {
                throw .context(reason: "\(error)")
            }
        }

        private static func read<Value>(
            _ path: String, _ key: String, _ body: () throws -> Value
        ) throws(TLSError) -> Value {
            do { return try body() } catch {
                throw .file(key: key, path: path, reason: "\(error)")
            }
        }
    }
#else
    enum TLSBuild {
        static let hasTLS = false
    }

    /// Takes no handshake, and refuses what asks for one.
    struct ServerHandshakes: Sendable {
        init?(_ settings: ServerTLS) throws(TLSError) {
            if let problem = settings.problem { throw problem }
            return nil
        }

        func begin(
            on channel: any Channel, before handler: FrameHandler, with bytes: ByteBuffer
        ) throws {}
    }

    /// Cannot be made.
    package struct ClientHandshakes: Sendable {
        package init(_ settings: ClientTLS) throws(TLSError) {
            throw settings.problem ?? .context(reason: "this build has no TLS")
        }

        package func begin(on channel: any Channel, host: String) throws {}

        package func finished(
            on channel: any Channel, within time: TimeAmount
        ) -> EventLoopFuture<Void> { channel.eventLoop.makeSucceededVoidFuture() }
    }
#endif
