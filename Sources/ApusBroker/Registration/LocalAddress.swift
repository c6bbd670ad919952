// The address that a broker tells clients when its file names none.

import NIOCore

enum LocalAddress {
    /// The address of this machine as RocketMQ picks it.
    static var current: String {
        let devices = (try? System.enumerateDevices()) ?? []
        return pick(
            devices.filter { !$0.name.hasPrefix("docker") && !$0.name.hasPrefix("br-") }
                .compactMap { $0.address?.ipAddress })
    }

    /// The first IPv4 address that others can know; one of a private 192.168 network when there is
    /// no better; then the first of IPv6 that is not bound to a link; then 127.0.0.1.
    static func pick(_ addresses: [String]) -> String {
        let ipv4 = addresses.filter { !$0.contains(":") && !$0.hasPrefix("127.") }
        if let first = ipv4.first(where: { !$0.hasPrefix("192.168.") && !$0.hasPrefix("0.") }) {
            return first
        }
        if let last = ipv4.last { return last }
        let ipv6 = addresses.filter { address in
            address.contains(":") && address != "::1" && !address.lowercased().hasPrefix("fe80")
        }
        return ipv6.first ?? "127.0.0.1"
    }
}
