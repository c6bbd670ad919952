// A `broker.conf` into settings: every complaint at once, each with its key and line.

import ApusRemoting
import ApusServer
import ApusStore

/// Why a configuration is refused.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Complaint: Hashable, Sendable {
        /// Nil when it is about the file.
        public let key: String?
        /// From 1; nil when the value comes from elsewhere.
        public let line: Int?
        public let reason: String
    }

    /// Where the settings come from.
    public let origin: String
    public let complaints: [Complaint]

    public var description: String {
        complaints.map { complaint in
            let line = complaint.line.map { ":\($0)" } ?? ""
            let key = complaint.key.map { "\($0): " } ?? ""
            return "\(origin)\(line): \(key)\(complaint.reason)"
        }.joined(separator: "\n")
    }
}

/// Settings out of a file, and what is to be said about it.
public struct ParsedConfiguration: Sendable {
    public let configuration: BrokerConfiguration
    /// Keys that nobody knows, or that stand twice.
    public let warnings: [String]
    /// Keys that are set and make no difference, with the reason.
    public let notices: [String]
}

extension BrokerConfiguration {
    /// Reads a file. `origin` is what complaints call it; `host` gives what the file does not name.
    /// Fails, naming keys, when a value is none, asks for what this broker does not have, or
    /// contradicts another.
    public static func parse(
        _ bytes: [UInt8], origin: String, host: HostEnvironment = .current
    ) throws(ConfigurationError) -> ParsedConfiguration {
        let properties: JavaProperties
        do throws(JavaPropertiesError) {
            properties = try JavaProperties(parsing: bytes)
        } catch {
            throw ConfigurationError(
                origin: origin,
                complaints: [.init(key: nil, line: error.line, reason: error.reason)])
        }
        var reading = Reading(origin: origin, host: host)
        for entry in properties.entries { reading.take(entry) }
        return try reading.finish()
    }

    /// Every key that sets something, with its value here.
    public var properties: [(key: String, value: String)] {
        ConfigurationKey.all.compactMap { key in
            guard case .honoured(_, let get) = key.handling else { return nil }
            return (key.name, get(self))
        }
    }

    /// Fails when settings contradict each other. `parse` has checked this.
    public func validate() throws(ConfigurationError) {
        let complaints = contradictions(lines: [:])
        if !complaints.isEmpty {
            throw ConfigurationError(origin: "the configuration", complaints: complaints)
        }
    }

    fileprivate func contradictions(lines: [String: Int]) -> [ConfigurationError.Complaint] {
        var found: [ConfigurationError.Complaint] = []
        func complain(_ key: String, _ reason: String) {
            found.append(.init(key: key, line: lines[key], reason: reason))
        }
        do throws(StoreError) {
            try store.validate()
        } catch {
            if case .invalidConfiguration(let key, let reason) = error {
                complain(key, reason)
            } else {
                complain("storePathRootDir", "\(error)")
            }
        }
        if network.port != 0, network.port == network.replicationPort {
            complain("haListenPort", "it is the listenPort, \(network.port), too")
        }
        for problem in tls.problems {
            guard case .setting(let key, let reason) = problem else { continue }
            complain(key, reason)
        }
        if access.isEnabled, access.home == nil {
            complain(
                "aclEnable",
                "the accounts are in conf/plain_acl.yml under rocketmqHome, which is not set, nor "
                    + "is ROCKETMQ_HOME in the environment")
        }
        for server in registration.nameServers {
            if let complaint = Forms.complaint(nameServer: server) {
                complain("namesrvAddr", complaint)
            }
        }
        return found
    }
}

/// A file on its way into settings.
private struct Reading {
    let origin: String
    private var configuration: BrokerConfiguration
    private var lines: [String: Int] = [:]
    private var complaints: [ConfigurationError.Complaint] = []
    private var warnings: [String] = []
    private var notices: [String] = []
    /// What is wrong with the environment's NameServers.
    private var hostComplaint: String?

    init(origin: String, host: HostEnvironment) {
        self.origin = origin
        configuration = BrokerConfiguration()
        configuration.name = host.name
        configuration.storePath = "\(host.home)/store"
        configuration.access.home = try? Forms.home(host.rocketmqHome)
        do throws(ValueComplaint) {
            configuration.registration.nameServers = try Forms.nameServers(host.nameServers)
        } catch {
            hostComplaint = error.text
        }
    }

    mutating func take(_ entry: JavaProperties.Entry) {
        let place = "\(origin):\(entry.line): \(entry.key)"
        guard let key = ConfigurationKey.byName[entry.key] else {
            warnings.append("\(place) is no key of a broker, and is passed over")
            return
        }
        if let first = lines.updateValue(entry.line, forKey: entry.key) {
            warnings.append("\(place) stands on line \(first) too; this one counts")
        }
        let value = entry.value.trimmed
        switch key.handling {
        case .honoured(let set, _):
            do throws(ValueComplaint) {
                try set(&configuration, value)
            } catch {
                complain(entry, error.text)
            }
        case .only(let values, let reason):
            if !values.contains(value), !values.contains(value.lowercased()) {
                complain(entry, "\(value) asks for what this broker does not have: \(reason)")
            }
        case .noEffect(let reason):
            notices.append("\(place) makes no difference: \(reason)")
        }
    }

    private mutating func complain(_ entry: JavaProperties.Entry, _ reason: String) {
        complaints.append(.init(key: entry.key, line: entry.line, reason: reason))
    }

    mutating func finish() throws(ConfigurationError) -> ParsedConfiguration {
        if lines["haListenPort"] == nil {
            configuration.network.replicationPort = configuration.network.port + 1
        }
        if let hostComplaint, lines["namesrvAddr"] == nil {
            complaints.append(.init(key: "NAMESRV_ADDR", line: nil, reason: hostComplaint))
        }
        complaints += configuration.contradictions(lines: lines)
        guard complaints.isEmpty else {
            throw ConfigurationError(origin: origin, complaints: complaints)
        }
        return ParsedConfiguration(
            configuration: configuration, warnings: warnings, notices: notices)
    }
}
