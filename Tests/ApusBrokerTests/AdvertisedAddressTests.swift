// The address that clients are told to come to, in either notation.

import ApusFormat
import ApusRemoting
import ApusStore
import Foundation
import TestSupport
import Testing

@testable import ApusBroker

/// Whether this machine has IPv6 on its loopback.
private let hasIPv6: Bool = {
    let interfaces = try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8)
    return interfaces?.contains("00000000000000000000000000000001") == true
}()

@Suite("the address that clients are told") struct AdvertisedAddressTests {
    private func address(_ text: String) throws -> HostAddress {
        var network = NetworkSettings()
        network.advertisedHost = text
        return try Broker.advertisedAddress(network, port: 10911)
    }

    @Test("is IPv4, or IPv6 with brackets or without")
    func forms() throws {
        #expect(try address("10.0.0.1").description == "10.0.0.1:10911")
        let whole = "[2001:db8:0:0:0:0:0:1]:10911"
        #expect(try address("2001:db8::1").description == whole)
        #expect(try address("[2001:db8::1]").description == whole)
        #expect(try address("::ffff:10.0.0.1").description == "10.0.0.1:10911")
        for text in [
            "broker.example", "", "fe80::1%eth0", "[2001:db8::1", "10.0.0.1:10911", "1::2::3",
        ] {
            #expect(throws: StoreError.self, "\(text)") { try address(text) }
        }
    }

    @Test("is registered with one pair of brackets")
    func presence() {
        var configuration = BrokerConfiguration()
        configuration.network.replicationHost = "[2001:db8::2]"
        let presence = BrokerPresence(configuration, host: "2001:db8::1", port: 10911)
        #expect(presence.address == "[2001:db8::1]:10911")
        #expect(presence.replicationAddress == "[2001:db8::2]:10912")
    }

    @Test("may be IPv6: records carry it, and messages are found by it", .enabled(if: hasIPv6))
    func served() async throws {
        try await withBroker {
            $0.network.bindAddress = "::1"
            $0.network.advertisedHost = "::1"
        } _: { client in
            #expect(client.address.hasPrefix("[0:0:0:0:0:0:0:1]:"))
            let sent = try await client.send("hello")
            let text = try #require(sent.fields["msgId"])
            let id = try #require(OffsetMessageID(text))
            #expect(text.utf8.count == 56 && id.storeHost == client.broker.address)
            let message = try #require(try await client.pull().messages.first)
            #expect(message.fields.storeHost == id.storeHost && message.fields.bornHost.isIPv6)
            let found = try await client.ask(
                .viewMessageById, ["offset": "\(id.physicalOffset)"])
            #expect(try PulledMessage.all(in: found.body).map(\.body) == ["hello"])
        }
    }
}
