// The unique id: what a client calls a message that it sends (`MessageClientIDSetter`).
//
//     0           4|16      6|18        10|22        14|26     16|28
//     +-----------+---------+-----------+------------+---------+
//     | address   | process | instance  | ms since   | counter |   each byte as two hex digits
//     |           | id      |           | the month  |         |
//     +-----------+---------+-----------+------------+---------+

/// The id of a message that its producer makes; it stands in the property `UNIQ_KEY`.
public struct UniqueID: Hashable, Sendable {
    /// The client's address; the id has no room for the port, which is 0 here.
    public var host: HostAddress
    /// The low 16 bits of the client's process id.
    public var processID: UInt16
    /// What tells several producers in a process apart: in Java the hash of the class loader.
    public var instance: Int32
    /// Milliseconds since the start of the month, by the client's local time.
    public var millisecondsOfMonth: UInt32
    /// One more for each message, wrapping.
    public var counter: UInt16

    public init(
        host: HostAddress, processID: UInt16, instance: Int32, millisecondsOfMonth: UInt32,
        counter: UInt16
    ) {
        self.host =
            host.isIPv6
            ? HostAddress(high: host.high, low: host.low, port: 0)
            : HostAddress(ipv4: UInt32(truncatingIfNeeded: host.low), port: 0)
        self.processID = processID
        self.instance = instance
        self.millisecondsOfMonth = millisecondsOfMonth
        self.counter = counter
    }

    /// 32 upper-case hexadecimal digits, 56 for an IPv6 address.
    public var text: String {
        var bytes: [UInt8] = []
        bytes.append(address: host)
        bytes.append(bigEndian: processID)
        bytes.append(bigEndian: instance)
        bytes.append(bigEndian: millisecondsOfMonth)
        bytes.append(bigEndian: counter)
        return Hexadecimal.text(bytes)
    }

    /// Appends the digits of `text`, without making it.
    package func appendText(to bytes: inout [UInt8]) {
        if host.isIPv6 {
            Hexadecimal.append(host.high, to: &bytes)
            Hexadecimal.append(host.low, to: &bytes)
        } else {
            Hexadecimal.append(UInt32(truncatingIfNeeded: host.low), to: &bytes)
        }
        Hexadecimal.append(processID, to: &bytes)
        Hexadecimal.append(UInt32(bitPattern: instance), to: &bytes)
        Hexadecimal.append(millisecondsOfMonth, to: &bytes)
        Hexadecimal.append(counter, to: &bytes)
    }

    /// Reads 32 or 56 hexadecimal digits, of either case; nil for anything else. Other clients make
    /// ids of other kinds, and some of those read as this kind too: what comes out is a guess.
    public init?(_ text: String) {
        guard [32, 56].contains(text.utf8.count), let bytes = Hexadecimal.bytes(text) else {
            return nil
        }
        let isIPv6 = bytes.count == 28
        let raw = bytes.rawSpan
        let rest = isIPv6 ? 16 : 4
        self.init(
            host: isIPv6
                ? HostAddress(
                    high: raw.loadBigEndian(at: 0), low: raw.loadBigEndian(at: 8), port: 0)
                : HostAddress(ipv4: raw.loadBigEndian(at: 0), port: 0),
            processID: raw.loadBigEndian(at: rest), instance: raw.loadBigEndian(at: rest + 2),
            millisecondsOfMonth: raw.loadBigEndian(at: rest + 6),
            counter: raw.loadBigEndian(at: rest + 10))
    }

    /// When the id was made, in milliseconds since 1970: the last time before `now` that is as far
    /// into a month, as RocketMQ reads it. True for ids of the month before `now`, and only if
    /// `secondsFromUTC` (east is positive) is the client's.
    public func milliseconds(before now: Int64, secondsFromUTC: Int32) -> Int64 {
        let month = Month(containing: now, secondsFromUTC: secondsFromUTC)
        let time = month.start + Int64(millisecondsOfMonth)
        return time < now ? time : month.previousStart + Int64(millisecondsOfMonth)
    }
}

extension UniqueID: CustomStringConvertible {
    public var description: String { text }
}

extension [UInt8] {
    /// Appends the 4 or 16 bytes of an address, without its port.
    mutating func append(address: HostAddress) {
        if address.isIPv6 {
            append(bigEndian: address.high)
            append(bigEndian: address.low)
        } else {
            append(bigEndian: UInt32(truncatingIfNeeded: address.low))
        }
    }
}
