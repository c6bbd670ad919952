// Addresses of sockets as those of records.

public import ApusFormat
internal import NIOCore

extension HostAddress {
    /// The address of a socket's end; 0.0.0.0:0 for a socket that has none.
    init(_ socket: SocketAddress?) {
        self =
            socket.flatMap { socket in
                socket.ipAddress.flatMap { HostAddress(text: $0, port: Int32(socket.port ?? 0)) }
            } ?? HostAddress(ipv4: 0, port: 0)
    }

    /// An address in either notation, without brackets; nil for anything else. An IPv4 address in
    /// an IPv6 one (`::ffff:10.0.0.1`) is taken for what it is.
    public init?(text: String, port: Int32) {
        if text.contains(":") {
            self.init(ipv6Text: text, port: port)
        } else if let address = HostAddress(ipv4Text: "\(text):0") {
            self.init(ipv4: UInt32(truncatingIfNeeded: address.low), port: port)
        } else {
            return nil
        }
    }

    private init?(ipv6Text text: String, port: Int32) {
        // What comes after the scope is about this machine's interfaces.
        let address = text.prefix { $0 != "%" }
        let halves = address.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2, let front = Self.groups(halves[0]) else { return nil }
        var groups = front
        if halves.count == 2 {
            guard let back = Self.groups(halves[1]), front.count + back.count < 8 else {
                return nil
            }
            groups += [UInt16](repeating: 0, count: 8 - front.count - back.count) + back
        }
        guard groups.count == 8 else { return nil }
        let parts = [groups[..<4], groups[4...]].map { $0.reduce(0) { $0 << 16 | UInt64($1) } }
        if parts[0] == 0, parts[1] >> 32 == 0xFFFF {
            self.init(ipv4: UInt32(truncatingIfNeeded: parts[1]), port: port)
        } else {
            self.init(high: parts[0], low: parts[1], port: port)
        }
    }

    /// Groups of four digits between colons; the last one may be an IPv4 address.
    private static func groups(_ text: Substring) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (place, part) in parts.enumerated() {
            if place == parts.count - 1, part.contains(".") {
                guard let address = HostAddress(ipv4Text: "\(part):0") else { return nil }
                groups.append(UInt16(truncatingIfNeeded: address.low >> 16))
                groups.append(UInt16(truncatingIfNeeded: address.low))
            } else {
                guard part.utf8.count <= 4, let first = part.first, first != "+", first != "-",
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }
}
