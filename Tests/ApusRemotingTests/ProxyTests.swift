// Headers of proxies, and the addresses in them.

import ApusFormat
import Testing

@testable import ApusRemoting

/// A header of version 2.
private func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
    [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, command, family]
        + [UInt8(rest.count >> 8), UInt8(rest.count & 255)] + rest
}

private let four: [UInt8] = [10, 0, 0, 1, 10, 0, 0, 2, 0xC3, 0x50, 0x2A, 0x9F]
private let six: [UInt8] =
    [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
    + [UInt8](repeating: 0, count: 16) + [0xC3, 0x50, 0x2A, 0x9F]

@Suite("proxies", .timeLimit(.minutes(1))) struct ProxyTests {
    private static let headers: [([UInt8], HostAddress?)] = [
        (
            Array("PROXY TCP4 10.0.0.1 10.0.0.2 50000 10911\r\n".utf8),
            HostAddress(ipv4: 0x0A00_0001, port: 50_000)
        ),
        (
            Array("PROXY TCP6 2001:db8::1 ::1 50000 10911\r\n".utf8),
            HostAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 50_000)
        ),
        (Array("PROXY UNKNOWN\r\n".utf8), nil),
        (Array("PROXY UNKNOWN ffff::1 ::1 1 2\r\n".utf8), nil),
        (binary(0x21, 0x11, four), HostAddress(ipv4: 0x0A00_0001, port: 50_000)),
        // With something behind the addresses.
        (binary(0x21, 0x11, four + [4, 0, 1, 9]), HostAddress(ipv4: 0x0A00_0001, port: 50_000)),
        (
            binary(0x21, 0x21, six),
            HostAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 50_000)
        ),
        (binary(0x20, 0, []), nil), (binary(0x21, 0x31, [UInt8](repeating: 0, count: 216)), nil),
    ]

    @Test("both versions are read, and a beginning of one is not taken for anything else")
    func headers() {
        for (header, source) in Self.headers {
            let whole = header + Samples.number(20)
            #expect(
                ProxyHeader.read(whole.rawSpan)
                    == .header(source: source, byteCount: header.count))
            for count in 0..<header.count {
                #expect(ProxyHeader.read(Array(header.prefix(count)).rawSpan) == .incomplete)
            }
        }
        #expect(ProxyHeader.read(Samples.number(20).rawSpan) == .none)
        #expect(ProxyHeader.read([1, 0, 0, 0].rawSpan) == .none)
    }

    @Test("what only begins like a header is refused")
    func malformed() {
        let texts = [
            "POST / HTTP/1.1\r\n", "PROXY TCP4 10.0.0.1 10.0.0.2 50000\r\n", "PROXY \r\n",
            "PROXY TCP4 10.0.0 10.0.0.2 50000 10911\r\n", "PROXY TCP4 a b 50000 10911\r\n",
            "PROXY TCP4 10.0.0.1 10.0.0.2 70000 10911\r\n", "PROXY UNKNOWN\n",
            "PROXY " + String(repeating: "x", count: 200),
        ]
        for text in texts {
            #expect(ProxyHeader.read(Array(text.utf8).rawSpan) == .malformed, "\(text)")
        }
        for bytes in [
            binary(0x31, 0x11, four), binary(0x22, 0x11, four), binary(0x21, 0x11, [1, 2, 3]),
            binary(0x21, 0x21, four), binary(0x21, 0x11, [UInt8](repeating: 0, count: 5000)),
            [0x0D, 0x0A, 0x0D, 0x0B],
        ] {
            #expect(ProxyHeader.read(bytes.rawSpan) == .malformed)
        }
    }

    @Test("a connection has the address that its proxy tells, in however many pieces")
    func connection() async throws {
        let processor = TestProcessor.echo
        try await withServer(processor) { _, port, _ in
            for (header, source) in Self.headers {
                let stream = header + RemotingCommand.request(.heartBeat).frame
                for cut in [1, header.count / 2, header.count, stream.count] {
                    let peer = try await RawPeer.connect(port: port)
                    try await peer.send(Array(stream[..<cut]))
                    try await peer.send(Array(stream[cut...]))
                    #expect(await eventually { !peer.bytes.isEmpty })
                    let address = try #require(processor.latest).remoteAddress
                    if let source {
                        #expect(address == source)
                    } else {
                        #expect(address.addressText == "127.0.0.1")
                    }
                    await peer.close()
                }
            }
        }
    }

    @Test("where proxies are not believed, their header is a malformed frame")
    func refused() async throws {
        var configuration = RemotingConfiguration()
        configuration.acceptsProxyProtocol = false
        try await withServer(TestProcessor.echo, configuration) { _, port, _ in
            for (header, _) in Self.headers {
                let peer = try await RawPeer.connect(port: port)
                peer.post(header + RemotingCommand.request(.heartBeat).frame)
                #expect(await eventually { peer.isClosed })
                #expect(peer.bytes.isEmpty)
            }
        }
    }

    @Test("addresses are read in both notations")
    func addresses() {
        let cases: [(String, String?)] = [
            ("10.1.2.3", "10.1.2.3:7"), ("::1", "[0:0:0:0:0:0:0:1]:7"),
            ("::", "[0:0:0:0:0:0:0:0]:7"), ("2001:db8::8:0", "[2001:db8:0:0:0:0:8:0]:7"),
            ("1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:7"), ("::ffff:10.1.2.3", "10.1.2.3:7"),
            ("fe80::1%eth0", "[fe80:0:0:0:0:0:0:1]:7"), ("1:2:3:4:5:6:7", nil), ("1::2::3", nil),
            ("1:2:3:4:5:6:7:8:9", nil), ("1:2:3:4::5:6:7:8", nil), ("g::1", nil), ("10.1.2", nil),
            ("::10.1.2", nil), ("12345::", nil), (":", nil), ("", nil), ("+1::2", nil),
        ]
        for (text, expected) in cases {
            #expect(HostAddress(text: text, port: 7)?.description == expected, "\(text)")
        }
    }
}
