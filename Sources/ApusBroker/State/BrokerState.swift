// What a broker knows besides messages, and the directory that it is kept in: `config` under the
// store's root, as with RocketMQ.

import ApusServer
package import ApusSystem
public import Logging

/// The tables of a broker.
public struct BrokerState: Sendable {
    public let topics: TopicTable
    public let groups: GroupTable
    public let offsets: OffsetTable
    public let delayOffsets: DelayOffsetTable

    /// Reads the state of the broker whose store is in `configuration.storePath`. Writes nothing:
    /// open the store first, so that its lock keeps another broker out.
    public static func open(
        _ configuration: BrokerConfiguration, logger: Logger
    ) throws(StateError) -> BrokerState {
        try open(configuration, on: SystemDisk(), time: .system, logger: logger)
    }

    package static func open(
        _ configuration: BrokerConfiguration, on disk: any Disk, time: TimeSource, logger: Logger
    ) throws(StateError) -> BrokerState {
        func file(_ name: String) -> StateFile {
            StateFile("\(configuration.storePath)/config/\(name)", on: disk, logger: logger)
        }
        return BrokerState(
            topics: try topics(file("topics.json"), configuration, time, logger),
            groups: try groups(file("subscriptionGroup.json"), configuration, time),
            offsets: try offsets(file("consumerOffset.json"), configuration, time),
            delayOffsets: try delayOffsets(file("delayOffset.json"), configuration, time))
    }

    /// Writes everything, whether it has changed or not; the last thing before a broker ends. All
    /// are tried, and the first failure is thrown.
    public func persist() throws(StateError) {
        var failure: StateError?
        func attempt(_ body: () throws(StateError) -> Void) {
            do throws(StateError) { try body() } catch { failure = failure ?? error }
        }
        attempt(offsets.persist)
        attempt(delayOffsets.persist)
        attempt(topics.persist)
        attempt(groups.persist)
        if let failure { throw failure }
    }
}

// MARK: - The tables

extension BrokerState {
    private static func topics(
        _ file: StateFile, _ configuration: BrokerConfiguration, _ time: TimeSource,
        _ logger: Logger
    ) throws(StateError) -> TopicTable {
        let now = time.wallMilliseconds
        let system = SystemTopics(configuration)
        let found = try file.read { (bytes) throws(StateProblem) in
            try TopicTable.Topics.read(bytes, now: now)
        }
        var topics = TopicTable.Topics(
            byName: [:], version: found?.version ?? DataVersion(timestamp: now))
        for settings in system.settings + (found?.topics ?? []) {
            if let complaint = NameRules.complaint(topic: settings.name) {
                logger.warning(
                    "a topic can be neither sent to nor pulled from",
                    metadata: ["file": "\(file.path)", "reason": "\(complaint)"])
            }
            topics.byName[settings.name] = Topic(
                settings, isSystem: system.contains(settings.name))
        }
        return TopicTable(
            topics, system: system, creation: configuration.topics, time: time
        ) { (topics) throws(StateError) in try file.replace(with: topics.document) }
    }

    private static func groups(
        _ file: StateFile, _ configuration: BrokerConfiguration, _ time: TimeSource
    ) throws(StateError) -> GroupTable {
        let now = time.wallMilliseconds
        let found = try file.read { (bytes) throws(StateProblem) in
            try GroupTable.Groups(bytes, now: now)
        }
        var groups =
            found
            ?? GroupTable.Groups(
                byName: [:], forbidden: [:], version: DataVersion(timestamp: now))
        for name in GroupTable.system where groups.byName[name] == nil {
            groups.byName[name] = Group(GroupSettings(name))
        }
        return GroupTable(groups, configuration.groups, time: time) { (groups) throws(StateError) in
            try file.replace(with: groups.document)
        }
    }

    private static func offsets(
        _ file: StateFile, _ configuration: BrokerConfiguration, _ time: TimeSource
    ) throws(StateError) -> OffsetTable {
        let now = time.wallMilliseconds
        let found = try file.read { (bytes) throws(StateProblem) in
            try OffsetTable.Offsets(bytes, now: now)
        }
        return OffsetTable(
            found ?? OffsetTable.Offsets(version: DataVersion(timestamp: now)),
            configuration.offsets, keepsResets: configuration.pulling.keepsResets, time: time
        ) { (offsets) throws(StateError) in try file.replace(with: offsets.document) }
    }

    private static func delayOffsets(
        _ file: StateFile, _ configuration: BrokerConfiguration, _ time: TimeSource
    ) throws(StateError) -> DelayOffsetTable {
        let now = time.wallMilliseconds
        let found = try file.read { (bytes) throws(StateProblem) in
            try DelayOffsetTable.Offsets(bytes, now: now)
        }
        return DelayOffsetTable(
            found ?? DelayOffsetTable.Offsets(version: DataVersion(timestamp: now)),
            versionStep: configuration.delay.versionStep, time: time
        ) { (offsets) throws(StateError) in try file.replace(with: offsets.document) }
    }
}
