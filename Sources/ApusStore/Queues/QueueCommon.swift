// What all queues of a store have in common, in memory once: there may be 100,000 queues.

import ApusSystem

/// What each queue of a store has a reference to.
final class QueueCommon: Sendable {
    let disk: any Disk
    /// Where the directories of topics are.
    let directory: String
    let settings: QueueSettings
    /// How many queues have a directory whose name is durable.
    let directoryCount = Counter()

    init(disk: any Disk, directory: String, settings: QueueSettings) {
        self.disk = disk
        self.directory = directory
        self.settings = settings
    }
}
