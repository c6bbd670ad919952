// What the tests of TLS share: settings, and a relay that changes how bytes arrive.

#if TLS
    import ApusRemoting
    import NIOCore
    import NIOPosix
    import TestSupport
    import Testing

    extension RemotingConfiguration {
        /// A server with a certificate; `change` says the rest.
        static func serving(
            _ name: String = "server", _ change: (inout ServerTLS) -> Void = { _ in }
        ) -> RemotingConfiguration {
            var configuration = RemotingConfiguration()
            configuration.serverTLS.certificatePath = certificate("\(name).pem")
            configuration.serverTLS.keyPath = certificate("\(name).key")
            change(&configuration.serverTLS)
            return configuration
        }

        /// A client that trusts our root; `change` says the rest.
        static func asking(
            trusting root: String = "root", _ change: (inout ClientTLS) -> Void = { _ in }
        ) -> RemotingConfiguration {
            var configuration = RemotingConfiguration()
            var tls = ClientTLS()
            tls.trustPath = certificate("\(root).pem")
            change(&tls)
            configuration.clientTLS = tls
            return configuration
        }
    }

    extension RemotingClient {
        /// Asks once, with this body, and expects it back.
        func echo(_ body: [UInt8] = [1, 2, 3], on address: String) async throws {
            let answer = try await invoke(.request(.heartBeat, body: body), on: address)
            #expect(answer.responseCode == .success && answer.body == body)
        }

        /// Asks once, and gives the reason why there is no answer.
        func failure(on address: String) async -> String? {
            let error = await #expect(throws: RemotingError.self) { try await echo(on: address) }
            return error?.description
        }
    }

    /// Passes bytes on between a client and a server, with others before them, and the client's
    /// first one by itself.
    final class Relay: Sendable {
        private let listener: any Channel
        var port: Int { listener.localAddress?.port ?? 0 }

        init(to port: Int, before: [UInt8] = []) async throws {
            let group = MultiThreadedEventLoopGroup.singleton
            listener = try await ServerBootstrap(group: group)
                .childChannelOption(.autoRead, value: false)
                .childChannelInitializer { near in
                    let out = ClientBootstrap(group: near.eventLoop)
                        .channelInitializer { far in
                            far.eventLoop.makeCompletedFuture {
                                try far.pipeline.syncOperations.addHandler(Pipe(to: near))
                            }
                        }
                        .connect(host: "127.0.0.1", port: port)
                    return out.flatMapThrowing { far in
                        try near.pipeline.syncOperations.addHandler(
                            Pipe(to: far, before: before, splits: true))
                    }.flatMap { near.setOption(.autoRead, value: true) }
                }
                .bind(host: "127.0.0.1", port: 0).get()
        }

        func close() async { try? await listener.close() }

        private final class Pipe: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            private let other: any Channel
            private let before: [UInt8]
            private var splits: Bool

            init(to other: any Channel, before: [UInt8] = [], splits: Bool = false) {
                self.other = other
                self.before = before
                self.splits = splits
            }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                var bytes = unwrapInboundIn(data)
                guard splits, let first = bytes.readSlice(length: 1) else {
                    return other.writeAndFlush(bytes, promise: nil)
                }
                splits = false
                let other = other
                let rest = bytes
                other.writeAndFlush(ByteBuffer(bytes: before), promise: nil)
                other.writeAndFlush(first, promise: nil)
                context.eventLoop.scheduleTask(in: .milliseconds(30)) {
                    other.writeAndFlush(rest, promise: nil)
                }
            }

            func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
        }
    }
#endif
