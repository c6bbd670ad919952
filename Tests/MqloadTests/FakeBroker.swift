// A broker that stores nothing and answers as it is told: what `mqload` must not take for success.

import ApusRemoting
import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Knows any topic, with one queue that is always empty.
final class FakeBroker: RequestProcessor {
    /// The code that sends are answered with.
    private let code: ResponseCode
    /// How long the fortieth send is held, and with it all behind it.
    private let stall: Duration
    private let sends = Atomic<Int>(0)

    init(sends code: ResponseCode, stall: Duration = .zero) {
        self.code = code
        self.stall = stall
    }

    func process(_ request: borrowing Request, on connection: Connection) {
        switch request.code {
        case .getTopicConfig:
            let body = Array(#"{"readQueueNums":1,"writeQueueNums":1}"#.utf8)
            connection.respond(to: request.replyKey, Response(.success, body: body))
        case .getMinOffset, .getMaxOffset:
            connection.respond(
                to: request.replyKey, Response(.success, fields: ["offset": "0"]))
        default:
            // Behind those that warm up.
            let number = sends.wrappingAdd(1, ordering: .relaxed).newValue
            if stall > .zero, number == 40 { Thread.sleep(forTimeInterval: stall / .seconds(1)) }
            connection.respond(to: request.replyKey, Response(code))
        }
    }

    /// Serves while `body` runs, which gets the address.
    func serve<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = RemotingServer(processor: self, logger: logger, group: group)
        let address = try await server.start(host: "127.0.0.1", port: 0)
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body("127.0.0.1:\(address.port ?? 0)"))
        } catch { result = .failure(error) }
        await server.stop()
        try await group.shutdownGracefully()
        return try result.get()
    }
}
