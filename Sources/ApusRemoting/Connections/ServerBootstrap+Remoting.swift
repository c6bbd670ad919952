// What the kernel and NIO are told of a server's connections.

internal import NIOCore
package import NIOPosix

extension ServerBootstrap {
    /// With the options that every server has; one that a server is measured against has the same.
    package func remotingOptions(_ configuration: RemotingConfiguration) -> ServerBootstrap {
        serverChannelOption(.backlog, value: configuration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .recvAllocator,
                // Grows with what comes: a buffer stays with its connection when it is idle.
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 2 << 10, initial: 2 << 10, maximum: 64 << 10)
            )
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(configuration.writeMarks))
    }
}

extension ChannelOptions.Types.WriteBufferWaterMark {
    init(_ marks: ClosedRange<Int>) {
        self.init(low: marks.lowerBound, high: marks.upperBound)
    }
}
