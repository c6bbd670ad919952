// The body of REGISTER_BROKER: JSON, or a zlib stream of its own layout.

import ApusFormat
import ApusRemoting
import ApusServer

/// Reads what a broker says of its topics. All of it, or an error.
package enum RegistrationBody {
    /// Of a compressed body, when it is inflated. A million topics take about as much.
    package static let inflatedLimit = 64 << 20

    /// Bytes that a compressed body of `count` bytes inflates to at most: deflate spends two bits
    /// on 258 bytes at best.
    static func inflatedBound(_ count: Int) -> Int { min(count * 1032, inflatedLimit) }

    /// The ordinals of RocketMQ's versions that changed the body.
    private enum Version {
        /// Since 3.0.11 there is more in the body than topics.
        static let hasFilterServers: Int32 = 37
        /// Since 5.0.0 a compressed body ends with mappings of static topics.
        static let hasMappings: Int32 = 413
    }

    package static func parse(
        _ body: RawSpan, isCompressed: Bool, brokerVersion: Int32
    ) throws(RegistrationError) -> RegisteredTopics {
        let isOld = brokerVersion < Version.hasFilterServers
        if body.isEmpty { return RegisteredTopics(filterServers: isOld ? nil : []) }
        if isCompressed, !isOld {
            return try parseCompressed(
                body, hasMappings: brokerVersion >= Version.hasMappings)
        }
        let json = try json(body, of: "the body")
        guard case .object(let fields) = json else {
            throw RegistrationError("the body is not an object")
        }
        if isOld { return try parse(topics: fields, filterServers: nil) }
        let servers = try fields["filterServerList"].map { value throws(RegistrationError) in
            value == .null ? nil : try filterServers(value)
        }
        switch fields["topicConfigSerializeWrapper"] {
        case .object(let topics)?: return try parse(topics: topics, filterServers: servers ?? [])
        case nil, .null?: return RegisteredTopics(filterServers: servers ?? [])
        default: throw RegistrationError("topicConfigSerializeWrapper is not an object")
        }
    }

    /// A TopicConfigAndMappingSerializeWrapper.
    private static func parse(
        topics fields: JSONObject, filterServers: [String]?
    ) throws(RegistrationError) -> RegisteredTopics {
        var content = RegisteredTopics(filterServers: filterServers)
        if let version = fields["dataVersion"], version != .null {
            content.version = try dataVersion(version)
        }
        for member in try members("topicConfigTable", of: fields) {
            let (name, queues) = try TopicQueues.parse(member.value, key: member.name)
            content.topics[name] = queues
        }
        for member in try members("topicQueueMappingInfoMap", of: fields) {
            let topic = try Name.check(member.name, as: "the topic of a mapping")
            content.mappings[topic] = try mapping(member.value, of: topic)
        }
        return content
    }

    // MARK: - Parts

    static func json(_ bytes: RawSpan, of what: String) throws(RegistrationError) -> JSON {
        do throws(JSONError) {
            return try JSON(parsing: bytes)
        } catch {
            throw RegistrationError("\(what) cannot be read: \(error)")
        }
    }

    static func dataVersion(_ json: JSON) throws(RegistrationError) -> DataVersion {
        guard let version = DataVersion(json) else {
            throw RegistrationError("dataVersion is not an object of numbers")
        }
        return version
    }

    static func filterServers(_ json: JSON) throws(RegistrationError) -> [String] {
        guard case .array(let values) = json else {
            throw RegistrationError("filterServerList is not an array")
        }
        var servers: [String] = []
        for value in values {
            guard case .string(let server) = value else {
                throw RegistrationError("filterServerList holds something other than text")
            }
            servers.append(try Name.check(server, as: "a filter server"))
        }
        return servers
    }

    static func mapping(
        _ json: JSON, of topic: String
    ) throws(RegistrationError) -> RegisteredTopics.Mapping {
        guard case .object(let fields) = json, let name = fields["bname"]?.string else {
            throw RegistrationError("the mapping of topic \(topic) names no broker")
        }
        return .init(
            brokerName: try Name.check(name, as: "the broker of a mapping"), json: json)
    }

    private static func members(
        _ name: String, of fields: JSONObject
    ) throws(RegistrationError) -> [JSONObject.Member] {
        switch fields[name] {
        case .object(let object)?: return object.members
        case nil, .null?: return []
        default: throw RegistrationError("\(name) is not an object")
        }
    }
}
