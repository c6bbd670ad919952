// Where connections go, and how they are encrypted.

import ApusRemoting
import ApusServer
import Bench
import NIOCore

/// One end of connections.
struct Place: Sendable {
    /// What its certificate has to be for.
    let host: String
    let address: SocketAddress
    /// Nil for plaintext.
    let handshakes: ClientHandshakes?

    /// A place for plaintext.
    init(_ address: SocketAddress) {
        host = ""
        self.address = address
        handshakes = nil
    }

    /// `host:port`.
    init(_ text: String, _ encryption: Encryption?) throws {
        guard let colon = text.lastIndex(of: ":"),
            let port = Int(text[text.index(after: colon)...])
        else { throw UsageError("\(text) is no host:port") }
        host = String(text[..<colon])
        address = try SocketAddress.makeAddressResolvingHost(host, port: port)
        handshakes = encryption?.handshakes
    }

    /// How long a handshake may take.
    private static let patience = TimeAmount.seconds(3)

    /// Puts TLS, if it is asked for, before the other handlers of a connection.
    func begin(on channel: any Channel) throws { try handshakes?.begin(on: channel, host: host) }

    /// The channel, once it may be used.
    func ready(_ channel: any Channel) -> EventLoopFuture<any Channel> {
        handshakes?.finished(on: channel, within: Self.patience).map { channel }
            ?? channel.eventLoop.makeSucceededFuture(channel)
    }
}

/// What `--tls` says.
struct Encryption: Sendable {
    let path: String
    let settings: TLSSettings
    let handshakes: ClientHandshakes

    /// Reads RocketMQ's keys from a file, and the files that they name.
    init(path: String, isOwnBroker: Bool) throws {
        self.path = path
        do throws(BadCommandLine) {
            settings = try ToolTLS.read(["-Dtls.enable=true", "-Dtls.config.file=\(path)"])
        } catch { throw UsageError("--tls: \(error.reason)") }
        guard !isOwnBroker || settings.server.certificatePath != nil else {
            throw UsageError(
                "--tls: the broker that mqload starts needs a certificate: write"
                    + " tls.server.certPath and tls.server.keyPath into \(path)")
        }
        do throws(TLSError) {
            handshakes = try ClientHandshakes(settings.client)
        } catch { throw UsageError("--tls: \(error)") }
    }
}
