// Who the client is to brokers and to those who read its messages' ids.

internal import ApusFormat
internal import ApusRemoting
internal import ApusSystem
internal import NIOCore

/// Unlike that of any other producer or consumer.
struct ClientIdentity: Sendable {
    /// `address@instance#number`, as RocketMQ's tools show it.
    let id: String
    let address: HostAddress

    init(instanceName: String?) {
        address = Self.localAddress
        let instance = instanceName ?? "\(processID())"
        id = "\(address.addressText)@\(instance)#\(UInt64.random(in: 1...UInt64.max))"
    }

    /// The first address of this machine that others can know.
    private static var localAddress: HostAddress {
        let devices = (try? System.enumerateDevices()) ?? []
        let addresses = devices.compactMap { device -> HostAddress? in
            guard let text = device.address?.ipAddress, !text.hasPrefix("127.") else { return nil }
            return HostAddress(ipv4Text: "\(text):0")
        }
        return addresses.first ?? .loopback(port: 0)
    }

    /// Makes the ids of its messages.
    var generator: UniqueIDGenerator {
        UniqueIDGenerator(
            host: address, processID: processID(), instance: Int32.random(in: 1...Int32.max),
            firstCounter: UInt16.random(in: 0...UInt16.max))
    }
}
