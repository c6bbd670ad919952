// What a broker takes from the machine that it runs on where its file says nothing.

import ApusFormat
import ApusServer
import ApusSystem

/// Where settings come from that no file names.
public struct HostEnvironment: Sendable {
    /// The host's name.
    public var name: String
    /// The user's home directory.
    public var home: String
    /// `host:port` of NameServers with semicolons between them: NAMESRV_ADDR.
    public var nameServers: String
    /// RocketMQ's directory: ROCKETMQ_HOME.
    public var rocketmqHome: String

    public init(
        name: String, home: String, nameServers: String = "", rocketmqHome: String = ""
    ) {
        self.name = name
        self.home = home
        self.nameServers = nameServers
        self.rocketmqHome = rocketmqHome
    }

    /// This machine's, as the process found it when it was started.
    public static var current: HostEnvironment {
        let variables = Self.variables(in: read("/proc/self/environ"))
        let name = String(decoding: read("/proc/sys/kernel/hostname"), as: UTF8.self).trimmed
        return HostEnvironment(
            name: name.isEmpty ? "DEFAULT_BROKER" : name, home: variables["HOME"] ?? "",
            nameServers: variables["NAMESRV_ADDR"] ?? "",
            rocketmqHome: variables["ROCKETMQ_HOME"] ?? "")
    }

    /// `NAME=value` entries with zeros behind them.
    static func variables(in bytes: [UInt8]) -> [String: String] {
        var variables: [String: String] = [:]
        for entry in bytes.split(separator: 0) {
            guard let sign = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(decoding: entry[..<sign], as: UTF8.self)
            variables[name] = String(decoding: entry[(sign + 1)...], as: UTF8.self)
        }
        return variables
    }

    /// The first 256 KiB of a file that has no length; nothing where it cannot be read.
    private static func read(_ path: String) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 256 << 10)
        do throws(DiskError) {
            let file = try SystemDisk().open(path, .readOnly)
            defer { file.close() }
            var span = bytes.mutableRawSpan
            let count = try file.read(into: &span, at: 0)
            bytes.removeSubrange(count...)
            return bytes
        } catch {
            return []
        }
    }
}
