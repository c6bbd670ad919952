// The accounts of `plain_acl.yml`: what they may do, and which files are refused.

import Testing

@testable import ApusBroker

@Suite("a file of accounts") struct AccountTests {
    private static let example = """
        globalWhiteRemoteAddresses:
          - 10.10.103.*
          - 192.168.0.*

        accounts:
          - accessKey: RocketMQ
            secretKey: 12345678
            whiteRemoteAddress: 192.168.1.*
            admin: false
            defaultTopicPerm: DENY
            defaultGroupPerm: SUB
            topicPerms:
              - topicA=DENY
              - topicB=PUB|SUB
              - topicC = SUB
            groupPerms:
              # the group should convert to retry topic
              - groupA=DENY
              - groupB=PUB|SUB
          - accessKey: rocketmq2
            secretKey: 12345678
            whiteRemoteAddress:
            # if it is admin, it could access all resources
            admin: true
        """

    private func rules(_ text: String) throws -> AccessRules {
        var rules = AccessRules()
        try rules.take(text, from: "plain_acl.yml")
        return rules
    }

    @Test("says who may do what, as RocketMQ reads it")
    func rights() throws {
        let accounts = try rules(Self.example).accounts
        #expect(accounts.count == 2)
        let one = try #require(accounts["RocketMQ"])
        #expect(!one.isAdministrator)
        #expect(!one.may(.send, topic: "topicA") && !one.may(.consume, topic: "topicA"))
        #expect(one.may(.send, topic: "topicB") && one.may(.consume, topic: "topicB"))
        #expect(!one.may(.send, topic: "topicC") && one.may(.consume, topic: "topicC"))
        #expect(one.may([.send, .consume], topic: "topicC"))
        #expect(!one.may([.send, .consume], topic: "another"))
        #expect(!one.mayConsume(asGroup: "groupA") && one.mayConsume(asGroup: "groupB"))
        #expect(one.mayConsume(asGroup: "another"))
        let other = try #require(accounts["rocketmq2"])
        #expect(other.isAdministrator)
        #expect(other.may(.send, topic: "topicA") && other.mayConsume(asGroup: "groupA"))
    }

    @Test("warns of addresses, which open nothing")
    func addresses() throws {
        let warnings = try rules(Self.example).warnings
        #expect(warnings.count == 2)
        #expect(warnings.contains { $0.contains("plain_acl.yml:2: globalWhiteRemoteAddresses") })
        #expect(warnings.contains { $0.contains("whiteRemoteAddress of RocketMQ") })
    }

    @Test("an administrator for whom resources are named is held to them")
    func boundedAdministrator() throws {
        let text = """
            accounts:
            - accessKey: rocketmq2
              secretKey: 12345678
              admin: true
              topicPerms: [topicA=SUB]
            """
        let one = try #require(try rules(text).accounts["rocketmq2"])
        #expect(one.may(.consume, topic: "topicA") && !one.may(.send, topic: "topicA"))
        #expect(!one.may(.consume, topic: "topicB") && !one.mayConsume(asGroup: "group"))
    }

    static let refused: [(account: String, line: Int)] = [
        ("secretKey: 12345678", 2), ("accessKey: short\n    secretKey: 12345678", 2),
        ("accessKey: rocketmq2", 2), ("accessKey: rocketmq2\n    secretKey: 123456", 2),
        ("accessKey: rocketmq2\n    secretKey: 12345678\n    admin: yes", 4),
        ("accessKey: rocketmq2\n    secretKey: 12345678\n    defaultTopicPerm: PUBSUB", 4),
        ("accessKey: rocketmq2\n    secretKey: 12345678\n    defaultGroupPerm: ALL", 4),
        ("accessKey: rocketmq2\n    secretKey: 12345678\n    topicPerms:\n    - a=PUB=b", 5),
        ("accessKey: rocketmq2\n    secretKey: 12345678\n    topicPerms:\n    - a", 5),
        ("accessKey: rocketmq2\n    secretKey: 12345678\n    groupPerms:\n    - a=X", 5),
        ("accessKey: rocketmq2\n    secretKey: 12345678\n    topicPerms: a=SUB", 4),
        (
            "accessKey: rocketmq2\n    secretKey: 12345678\n    topicPerms:\n    - a=SUB\n"
                + "    - a=PUB", 6
        ),
        (
            "accessKey: rocketmq2\n    secretKey: 12345678\n    namespacePerms:\n    - a: b", 5
        ),
        ("accessKey: rocketmq2\n    secretKey: 12345678\n    admn: true", 4),
        (
            "accessKey: rocketmq2\n    secretKey: 12345678\n  - accessKey: rocketmq2\n"
                + "    secretKey: 87654321", 4
        ),
        ("just text", 2),
    ]

    @Test("is refused with its line where it could mean more rights or fewer", arguments: refused)
    func refusing(_ account: String, _ line: Int) {
        do {
            _ = try rules("accounts:\n  - \(account)\n")
            Issue.record("\(account) is taken")
        } catch { #expect((error as? AccessFileError)?.line == line, "\(error)") }
    }

    @Test("is refused when its parts are of another kind, or nobody knows them")
    func shape() throws {
        for text in ["accounts: 5", "acounts:\n- a: b", "- a", "text"] {
            #expect(throws: AccessFileError.self) { try rules(text) }
        }
        #expect(try rules("").accounts.isEmpty)
        #expect(try rules("accounts:\n").accounts.isEmpty)
    }
}
