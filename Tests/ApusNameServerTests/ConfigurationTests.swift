// RocketMQ's properties into settings, and what is refused.

import ApusRemoting
import Testing

@testable import ApusNameServer

@Suite("The settings")
struct ConfigurationTests {
    private func apply(
        _ text: String
    ) throws(ConfigurationError) -> (NameServerConfiguration, [String]) {
        var configuration = NameServerConfiguration()
        let warnings = try configuration.apply(properties: Array(text.utf8), from: "/a/file")
        return (configuration, warnings)
    }

    private func problem(_ text: String) -> String? {
        do {
            _ = try apply(text)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("each key that does something sets its field")
    func honoured() throws {
        let (found, warnings) = try apply(
            """
            # a comment
            bindAddress=127.0.0.1
            listenPort = 9877\u{20}
            serverSelectorThreads: 2
            serverChannelMaxIdleTimeSeconds 0
            serverSocketBacklog=7
            kvConfigPath=/k/v.json
            orderMessageEnable=true
            returnOrderTopicConfigToBroker=FALSE
            scanNotActiveBrokerInterval=100
            supportActingMaster=true
            enableAllTopicList=false
            enableTopicList=false
            notifyMinBrokerIdChanged=true
            needWaitForService=true
            waitSecondsForService=3
            deleteTopicWithBrokerRegistration=true
            """)
        var wanted = NameServerConfiguration()
        wanted.host = "127.0.0.1"
        wanted.port = 9877
        wanted.eventLoopCount = 2
        wanted.idleSeconds = 0
        wanted.backlog = 7
        wanted.keyValuePath = "/k/v.json"
        wanted.sendsOrderToClients = true
        wanted.sendsOrderToBrokers = false
        wanted.sweepIntervalMilliseconds = 100
        wanted.showsActingMaster = true
        wanted.listsAllTopics = false
        wanted.listsTopics = false
        wanted.announcesLowestID = true
        wanted.warmsUp = true
        wanted.warmUpSeconds = 3
        wanted.removesUnnamedTopics = true
        wanted.unused = ["configStorePath": "/a/file"]
        #expect(found == wanted)
        #expect(warnings.isEmpty)
    }

    @Test("a key that nobody knows is named in a warning, one of Java's threads is not")
    func unknown() throws {
        let (found, warnings) = try apply("defaultThreadPoolNums=3\n\nlistenPrt=1\nrocketmqHome=/r")
        #expect(warnings == ["listenPrt on line 3 is no setting of a NameServer: ignored"])
        #expect(found.items.contains { $0 == ("defaultThreadPoolNums", "3") })
        #expect(found.propertiesText.contains("\nlistenPort=9876\n"))
        let keys = found.propertiesText.split(separator: "\n").map { $0.prefix { $0 != "=" } }
        #expect(keys == keys.sorted())
    }

    @Test("features that are not here are refused by name, unless they are off")
    func refused() {
        #expect(problem("enableControllerInNamesrv=true")?.contains("controller") == true)
        #expect(
            problem("clusterTest=true\nenableControllerInNamesrv=true")?.split(separator: "\n")
                .count == 2)
        #expect(problem("clusterTest=false\nenableControllerInNamesrv=false\nuseTLS=false") == nil)
    }

    @Test("TLS is asked for by RocketMQ's keys, and refused by name where it is not to be had")
    func encryption() throws {
        let mode = problem("tls.server.mode=enforcing")
        #expect(mode?.contains("tls.server.mode: ") == true)
        #expect(problem("tls.server.mode=strict")?.contains("tls.server.mode=strict") == true)
        #expect(problem("tls.server.authClient=maybe") != nil)
        let (found, warnings) = try apply("tls.server.mode=disabled\ntls.server.keyPassword=x")
        #expect(warnings.isEmpty && found.tls.server.mode == .disabled)
        #expect(found.propertiesText.contains("\ntls.server.keyPassword=******\n"))
        #expect(found.propertiesText.contains("\ntls.server.mode=disabled\n"))
    }

    @Test(
        "values that are none, and settings that contradict each other, are refused",
        arguments: [
            "listenPort=x", "listenPort=65536", "listenPort=-1", "supportActingMaster=yes",
            "clusterTest=perhaps", "listenPort=1\nlistenPort=2", "scanNotActiveBrokerInterval=0",
            "serverSelectorThreads=0", "serverChannelMaxIdleTimeSeconds=10",
            "serverChannelMaxIdleTimeSeconds=-1", "serverSocketBacklog=0",
            "needWaitForService=true\nwaitSecondsForService=0", "kvConfigPath=",
            "kvConfigPath=/a/file", "listenPort=1\\u00g1",
        ])
    func contradictions(text: String) {
        #expect(problem(text) != nil)
        // Each alone would do.
        #expect(problem("listenPort=1\nlistenPort=1\nwaitSecondsForService=0") == nil)
    }
}
