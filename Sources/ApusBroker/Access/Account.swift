// Who may do what: the accounts of `plain_acl.yml`.

import ApusRemoting
import ApusServer

/// What an account may do with a topic or as a group.
struct AccessRights: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static let send = AccessRights(rawValue: 4)
    static let consume = AccessRights(rawValue: 8)

    /// DENY, PUB, SUB, PUB|SUB or SUB|PUB; nil for anything else.
    init?(_ text: String) {
        switch text.filter({ $0 != " " }) {
        case "DENY": self = []
        case "PUB": self = .send
        case "SUB": self = .consume
        case "PUB|SUB", "SUB|PUB": self = [.send, .consume]
        default: return nil
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }
}

/// One account, with the secret that its requests are signed with.
struct Account: Sendable {
    let accessKey: String
    let key: SigningKey
    let isAdministrator: Bool
    var defaultTopicRights: AccessRights = []
    var defaultGroupRights: AccessRights = []
    var topics: [String: AccessRights] = [:]
    var groups: [String: AccessRights] = [:]

    /// An administrator for whom no resource is named may do everything, as with RocketMQ.
    private var isUnbounded: Bool { isAdministrator && topics.isEmpty && groups.isEmpty }

    /// Whether one of `rights` is there.
    func may(_ rights: AccessRights, topic: String) -> Bool {
        if isUnbounded { return true }
        return !(topics[topic] ?? defaultTopicRights).isDisjoint(with: rights)
    }

    func mayConsume(asGroup group: String) -> Bool {
        if isUnbounded { return true }
        return (groups[group] ?? defaultGroupRights).contains(.consume)
    }
}

/// Why a file of accounts is refused.
struct AccessFileError: Error, Hashable, Sendable, CustomStringConvertible {
    let path: String
    /// From 1; nil when it is about the file.
    let line: Int?
    let reason: String

    var description: String { "\(path)\(line.map { ":\($0)" } ?? ""): \(reason)" }
}

/// What the files say.
struct AccessRules: Sendable {
    private(set) var accounts: [String: Account] = [:]
    /// What is passed over, in words.
    private(set) var warnings: [String] = []

    /// Takes a file in. Fails at the first thing in it that is not understood: what could mean more
    /// rights or fewer must not be guessed.
    mutating func take(_ text: String, from path: String) throws(AccessFileError) {
        let file: YAML
        do throws(YAMLError) { file = try YAML(parsing: text) } catch {
            throw AccessFileError(path: path, line: error.line, reason: error.reason)
        }
        switch file.content {
        case .null: return
        case .mapping(let members):
            for member in members { try take(member, from: path) }
        default: throw AccessFileError(path: path, line: file.line, reason: "it has no accounts")
        }
    }

    private mutating func take(_ member: YAML.Member, from path: String) throws(AccessFileError) {
        switch member.key {
        case "accounts":
            guard member.value.content != .null else { return }
            guard let all = member.value.list else {
                throw AccessFileError(
                    path: path, line: member.value.line, reason: "accounts is no list")
            }
            for one in all { try add(AccountReader(one, path).account(), one.line, path) }
        case "globalWhiteRemoteAddresses":
            if member.value.list?.isEmpty == false {
                warnings.append(
                    "\(path):\(member.value.line): globalWhiteRemoteAddresses is passed over: an "
                        + "address proves nothing, every request is to be signed")
            }
        case "dataVersion": break
        default:
            throw AccessFileError(
                path: path, line: member.value.line, reason: "\(member.key) is not known")
        }
    }

    private mutating func add(
        _ one: (account: Account, warning: String?), _ line: Int, _ path: String
    ) throws(AccessFileError) {
        guard accounts.updateValue(one.account, forKey: one.account.accessKey) == nil else {
            throw AccessFileError(
                path: path, line: line, reason: "\(one.account.accessKey) is there already")
        }
        if let warning = one.warning { warnings.append(warning) }
    }
}

/// One account of a file.
private struct AccountReader {
    let yaml: YAML
    let path: String

    init(_ yaml: YAML, _ path: String) {
        self.yaml = yaml
        self.path = path
    }

    private func refusal(_ reason: String, at line: Int? = nil) -> AccessFileError {
        AccessFileError(path: path, line: line ?? yaml.line, reason: reason)
    }

    private static let keys: Set = [
        "accessKey", "secretKey", "whiteRemoteAddress", "admin", "defaultTopicPerm",
        "defaultGroupPerm", "topicPerms", "groupPerms", "namespacePerms", "resourcePerms",
    ]

    func account() throws(AccessFileError) -> (account: Account, warning: String?) {
        guard case .mapping(let members) = yaml.content else {
            throw refusal("an account is `accessKey: …`, `secretKey: …` and so on")
        }
        for member in members where !Self.keys.contains(member.key) {
            throw refusal("\(member.key) is not known", at: member.value.line)
        }
        for name in ["namespacePerms", "resourcePerms"] {
            guard let value = yaml[name], value.list?.isEmpty != true else { continue }
            throw refusal("\(name): this broker has no namespaces", at: value.line)
        }
        let accessKey = try secret("accessKey")
        var account = Account(
            accessKey: accessKey, key: SigningKey(try secret("secretKey")),
            isAdministrator: try flag("admin"))
        account.defaultTopicRights = try rights("defaultTopicPerm")
        account.defaultGroupRights = try rights("defaultGroupPerm")
        account.topics = try table("topicPerms")
        account.groups = try table("groupPerms")
        let address = yaml["whiteRemoteAddress"]
        return (
            account,
            address.map {
                "\(path):\($0.line): whiteRemoteAddress of \(accessKey) is passed over: an address "
                    + "proves nothing, every request is to be signed"
            }
        )
    }

    /// Java wants more than six characters, too.
    private func secret(_ name: String) throws(AccessFileError) -> String {
        guard let text = yaml[name]?.text, text.count > 6 else {
            throw refusal("\(name) is missing, or has fewer than seven characters")
        }
        return text
    }

    private func flag(_ name: String) throws(AccessFileError) -> Bool {
        guard let value = yaml[name] else { return false }
        switch value.text?.lowercased() {
        case "true": return true
        case "false": return false
        default: throw refusal("\(name) is neither true nor false", at: value.line)
        }
    }

    private func rights(_ name: String) throws(AccessFileError) -> AccessRights {
        guard let value = yaml[name] else { return [] }
        return try rights(value.text ?? "", name, value.line)
    }

    private func rights(
        _ text: String, _ what: String, _ line: Int
    ) throws(AccessFileError) -> AccessRights {
        guard let rights = AccessRights(text) else {
            throw refusal("\(what): \(text) is none of DENY, PUB, SUB and PUB|SUB", at: line)
        }
        return rights
    }

    /// `name=PUB|SUB` items.
    private func table(_ name: String) throws(AccessFileError) -> [String: AccessRights] {
        guard let value = yaml[name] else { return [:] }
        guard let items = value.list else { throw refusal("\(name) is no list", at: value.line) }
        var table: [String: AccessRights] = [:]
        for item in items {
            let parts = (item.text ?? "").split(separator: "=")
            guard parts.count == 2 else {
                throw refusal("\(name): an item is `name=PUB|SUB`", at: item.line)
            }
            let resource = String(parts[0]).trimmed
            let rights = try rights(String(parts[1]), "\(name) of \(resource)", item.line)
            guard table.updateValue(rights, forKey: resource) == nil else {
                throw refusal("\(name): \(resource) stands twice", at: item.line)
            }
        }
        return table
    }
}
