// A `broker.conf` into settings.

import ApusRemoting
import ApusStore
import Foundation
import Testing

@testable import ApusBroker

private let host = HostEnvironment(name: "box", home: "/home/me", nameServers: "ns:9876")

private func parse(_ text: String) throws -> ParsedConfiguration {
    try BrokerConfiguration.parse(Array(text.utf8), origin: "broker.conf", host: host)
}

private func complaints(_ text: String) throws -> [ConfigurationError.Complaint] {
    let error = #expect(throws: ConfigurationError.self) { _ = try parse(text) }
    return try #require(error).complaints
}

@Suite("a broker.conf") struct ConfigurationTests {
    @Test("that is empty gives RocketMQ's defaults, and the host's names")
    func defaults() throws {
        let parsed = try parse("")
        let settings = parsed.configuration
        #expect(settings.name == "box" && settings.storePath == "/home/me/store")
        #expect(settings.registration.nameServers == ["ns:9876"])
        #expect(settings.network.port == 10911 && settings.network.replicationPort == 10912)
        var store = StoreConfiguration()
        store.commitLog.populateAheadByteCount = 4 << 20
        #expect(settings.store == store && settings.topics.queues == 8)
        #expect(parsed.warnings.isEmpty && parsed.notices.isEmpty)
    }

    @Test("as RocketMQ ships it is taken")
    func shipped() throws {
        let parsed = try parse(
            """
            brokerClusterName = DefaultCluster
            brokerName = broker-a
            brokerId = 0
            deleteWhen = 04
            fileReservedTime = 48
            brokerRole = ASYNC_MASTER
            flushDiskType = ASYNC_FLUSH
            """)
        #expect(parsed.warnings.isEmpty && parsed.notices.isEmpty)
        #expect(parsed.configuration.name == "broker-a")
        #expect(parsed.configuration.store.retention.reservedHours == 48)
    }

    @Test("sets the store")
    func store() throws {
        let store = try parse(
            """
            flushDiskType=SYNC_FLUSH
            mappedFileSizeCommitLog=65536
            mappedFileSizeConsumeQueue=1999
            maxHashSlotNum=100
            maxIndexNum=400
            deleteWhen=04;16
            diskSpaceCleanForciblyRatio=99
            storePathCommitLog=/data/log/
            transientStorePoolEnable=true
            maxMessageSize=65536
            """
        ).configuration.store
        #expect(store.flush.mode == .sync && store.commitLog.segmentByteCount == 65536)
        #expect(store.queues.fileByteCount == 2000, "rounded up to whole entries")
        #expect(store.index.slotCount == 100 && store.index.entryCapacity == 400)
        #expect(store.retention.deleteHours == [4, 16])
        #expect(store.retention.forcibleUsedPercent == 85, "no more than RocketMQ takes")
        #expect(store.commitLog.path == "/data/log" && store.commitLog.writer == .pageAligned)
        #expect(store.limits.bodyByteCount == 65536)
    }

    @Test("sets the rest")
    func rest() throws {
        let settings = try parse(
            """
            listenPort=20911
            namesrvAddr = a:1; b:2;a:1;
            registerNameServerPeriod=1
            messageDelayLevel=1s 2m 3h 1d
            brokerPermission=4
            autoCreateTopicEnable=FALSE
            traceTopicEnable=true
            brokerIP1=10.0.0.1
            """
        ).configuration
        #expect(settings.network.port == 20911 && settings.network.replicationPort == 20912)
        #expect(settings.registration.nameServers == ["a:1", "b:2"])
        #expect(settings.registration.periodMilliseconds == 10_000)
        #expect(settings.delay.levels == [1_000, 120_000, 10_800_000, 86_400_000])
        #expect(settings.permission == .read && !settings.topics.createsOnSend)
        #expect(settings.topics.hasTraceTopic && settings.network.advertisedHost == "10.0.0.1")
    }

    @Test(
        "that asks for what is not there is refused by the key's name",
        arguments: [
            "brokerRole=SLAVE", "brokerRole=SYNC_MASTER", "enableControllerMode=true",
            "enableDLegerCommitLog=true", "aclEnable=true", "storeType=defaultRocksDB",
            "enablePropertyFilter=true", "inSyncReplicas=2", "storePathCommitLog=/a,/b",
            "brokerId=1",
            "tls.server.mode=enforcing", "tls.server.need.client.auth=require",
            "tls.test.mode.enable=true", "tls.config.file=/etc/rocketmq/tls.properties",
            "metricsExporterType=PROM", "defaultMessageRequestMode=POP", "duplicationEnable=true",
        ])
    func unavailable(_ line: String) throws {
        let found = try complaints("# first\n\(line)")
        #expect(found.map(\.key) == [line.split(separator: "=").first.map(String.init)])
        #expect(found.first?.line == 2)
    }

    @Test("that speaks of TLS is taken by RocketMQ's keys, and tells nobody a password")
    func encryption() throws {
        let settings = try parse("tls.server.mode=disabled\ntls.server.keyPassword=secret")
            .configuration
        #expect(settings.tls.server.mode == .disabled)
        #expect(settings.tls.server.keyPassword == "secret")
        let shown = settings.properties.filter { $0.key.hasPrefix("tls.") }
        #expect(shown.contains { $0 == ("tls.server.keyPassword", "******") })
        #expect(!settings.properties.contains { $0.value.contains("secret") })
        let found = try complaints("\nuseTLS=false\ntls.enable=perhaps\n")
        #expect(found.map(\.key) == ["tls.enable"] && found.first?.line == 3)
    }

    @Test("that says the same as the default about what is not there is taken")
    func withoutEffect() throws {
        for key in ConfigurationKey.all {
            guard case .only(let values, _) = key.handling else { continue }
            for value in values {
                #expect(try parse("\(key.name)=\(value)").notices.isEmpty)
            }
        }
    }

    @Test(
        "with a value that is none is refused, not read as the default",
        arguments: [
            "listenPort=70000", "listenPort=abc", "listenPort=", "autoCreateTopicEnable=yes",
            "flushDiskType=SYNC", "deleteWhen=24", "deleteWhen=", "namesrvAddr=here",
            "namesrvAddr=a:0", "messageDelayLevel=1x", "brokerPermission=8", "brokerName=",
            "mappedFileSizeCommitLog=1000", "fileReservedTime=-1", "storePathRootDir=",
        ])
    func badValues(_ line: String) throws {
        let found = try complaints(line)
        #expect(found.first?.key == line.split(separator: "=").first.map(String.init))
        #expect(found.first?.line == 1)
    }

    @Test("that contradicts itself is refused")
    func contradictions() throws {
        #expect(try complaints("haListenPort=10911").first?.key == "haListenPort")
        #expect(try complaints("forceVerifyPropCRC=true").first?.key == "forceVerifyPropCRC")
        let ratios = "diskMaxUsedSpaceRatio=95\ndiskSpaceCleanForciblyRatio=80"
        #expect(try complaints(ratios).map(\.key) == ["diskMaxUsedSpaceRatio"])
    }

    @Test("is refused with an environment that names no NameServers, unless it names some itself")
    func environment() throws {
        let bad = HostEnvironment(name: "box", home: "/home/me", nameServers: "ns")
        func parse(_ text: String) throws -> ParsedConfiguration {
            try BrokerConfiguration.parse(Array(text.utf8), origin: "broker.conf", host: bad)
        }
        let error = #expect(throws: ConfigurationError.self) { _ = try parse("") }
        #expect(try #require(error).description == "broker.conf: NAMESRV_ADDR: ns is no host:port")
        var settings = try parse("namesrvAddr=a:1").configuration
        try settings.validate()
        settings.registration.nameServers = ["a:1", "b"]
        let later = #expect(throws: ConfigurationError.self) { try settings.validate() }
        #expect(try #require(later).complaints.map(\.key) == ["namesrvAddr"])
    }

    @Test("is complained of at once, with all lines")
    func together() throws {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try parse("enableLmq=true\nlistenPort=x\n")
        }
        let text = try #require(error).description
        #expect(text.contains("broker.conf:1: enableLmq: true asks for what"))
        #expect(text.contains("broker.conf:2: listenPort: x is no number from 0 to 65535"))
    }

    @Test("with keys that nobody knows, or twice the same, is taken with a warning")
    func warnings() throws {
        let parsed = try parse("flushDiscType=SYNC_FLUSH\nlistenPort=1\nlistenPort=2\n")
        #expect(parsed.configuration.network.port == 2 && parsed.warnings.count == 2)
        #expect(parsed.warnings[0].contains("broker.conf:1: flushDiscType"))
        #expect(parsed.warnings[1].contains("broker.conf:3: listenPort"))
    }

    @Test("with keys that make no difference here is taken, and says so")
    func notices() throws {
        let parsed = try parse("sendMessageThreadPoolNums=16\ntimerWheelEnable=true")
        #expect(parsed.warnings.isEmpty && parsed.notices.count == 2)
        #expect(parsed.notices[0].contains("sendMessageThreadPoolNums makes no difference"))
    }

    @Test("that is written out and read again gives the same")
    func roundTrip() throws {
        var text = ""
        for (key, value) in try parse("deleteWhen=03;05\nbrokerIP1=h\nflushDiskType=SYNC_FLUSH")
            .configuration.properties where !(key == "serverSelectorThreads" && value.isEmpty)
        {
            text += "\(key)=\(value)\n"
        }
        let again = try parse(text).configuration
        let lines = again.properties.filter { $0.key != "serverSelectorThreads" }
            .map { "\($0.key)=\($0.value)\n" }
        #expect(lines.joined() == text && again.network.advertisedHost == "h")
        #expect(again.store.flush.mode == .sync && again.store.retention.deleteHours == [3, 5])
    }
}

@Suite("the settings of a broker.conf") struct ConfigurationReaderTests {
    /// The lines of a target's files, but comments.
    private func code(
        _ target: String, where isMeant: (String) -> Bool
    ) throws -> [String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")
        let files = FileManager.default.enumerator(atPath: root.appending(path: target).path)
        var lines: [String] = []
        for case let file as String in try #require(files)
        where file.hasSuffix(".swift") && isMeant(file) {
            let text = try String(
                contentsOf: root.appending(path: "\(target)/\(file)"), encoding: .utf8)
            lines += text.split(separator: "\n").map(String.init)
        }
        return lines.filter { !$0.trimmingPrefix(while: \.isWhitespace).hasPrefix("//") }
    }

    /// The identifiers that stand behind a dot.
    private func members(in lines: [String]) -> Set<String> {
        var found: Set<String> = []
        for line in lines {
            for part in line.split(separator: ".").dropFirst() {
                found.insert(String(part.prefix { $0.isLetter || $0.isNumber }))
            }
        }
        return found
    }

    @Test("are each looked at by something other than the reading of the file")
    func readers() throws {
        let readers = members(in: try code("ApusBroker") { !$0.hasPrefix("Configuration/") })
        let storeReaders = members(
            in: try code("ApusStore") { !$0.hasPrefix("StoreConfiguration") })
        var count = 0
        for line in try code("ApusBroker", where: { $0.hasSuffix("ConfigurationKeys.swift") }) {
            for part in line.split(separator: " ") where part.hasPrefix("\\.") {
                let path = part.prefix { $0.isLetter || $0 == "." || $0 == "\\" }.split(
                    separator: ".")
                guard path.count > 1, let last = path.last.map(String.init) else { continue }
                let known = path[1] == "store" ? storeReaders : readers
                #expect(known.contains(last), "\(part) is set and read by nobody")
                count += 1
            }
        }
        let others = Set(ConfigurationKey.tls.map(\.name))
        let honoured = ConfigurationKey.all.filter {
            $0.reason == nil && !others.contains($0.name)
        }.count
        #expect(count >= honoured, "\(count) paths for \(honoured) keys")
    }
}

@Suite("the document of keys") struct ConfigurationDocumentTests {
    /// First cells of table rows in `docs/broker.md` that are keys.
    private func rows() throws -> [String: String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appending(path: "docs/broker.md"), encoding: .utf8)
        var rows: [String: String] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("| `") {
            guard let key = line.dropFirst(3).split(separator: "`").first else { continue }
            #expect(rows.updateValue(String(line), forKey: String(key)) == nil, "\(key) twice")
        }
        return rows
    }

    @Test("has a row for each key and for nothing else, with the reason that the program gives")
    func keys() throws {
        let rows = try rows()
        for key in ConfigurationKey.all {
            let row = try #require(rows[key.name], "\(key.name) has no row in docs/broker.md")
            if case .only(_, let reason) = key.handling {
                #expect(row.contains(reason), "\(key.name) is refused for another reason")
            }
        }
        let known = Set(ConfigurationKey.all.map(\.name))
        #expect(Set(rows.keys).subtracting(known).isEmpty)
    }

    @Test("gives the defaults that the program has")
    func defaults() throws {
        let rows = try rows()
        let settings = BrokerConfiguration()
        for (key, value) in settings.properties where !value.isEmpty {
            let own: Set = ["brokerName", "storePathRootDir", "haListenPort"]
            if own.contains(key) { continue }
            let cells = try #require(rows[key]).split(separator: "|")
            #expect(cells[1].contains(value), "\(key) is \(value) by default")
        }
    }
}
