// Counts what a directory will take of the process, before anything in it is opened.

import ApusFormat
import ApusSystem

/// Counts what opening a directory will take.
struct LimitCheck {
    let disk: any Disk
    let directory: StoreDirectory
    let configuration: StoreConfiguration
    let limits: ProcessLimits?

    /// Descriptors of the lock, the checkpoint, a file being made, and a directory being synced.
    private static let fixed = 4

    /// Fails with `.limitTooLow` when the log and the index alone take more than there is. Answers
    /// what the observer is to hear.
    func run() throws(StoreError) -> [LimitForecast] {
        guard let limits else { return [] }
        let (always, queues): (Int, Int)
        do throws(DiskError) {
            // The next segment, and one that is on its way out.
            always =
                try count(directory.commitLog) + 2 + (configuration.writerKind == .mapped ? 0 : 2)
                + (configuration.index.isEnabled ? count(directory.index) + 1 : 0) + Self.fixed
            queues = try ConsumeQueueTable.names(on: disk, under: directory.consumeQueue).count
        } catch {
            throw StoreError(error)
        }
        func forecast(_ resource: ProcessResource, _ needed: Int) -> LimitForecast {
            switch resource {
            case .descriptors:
                LimitForecast(
                    resource: resource, needed: needed, inUse: limits.descriptorsInUse,
                    limit: limits.descriptorLimit)
            case .mappings:
                LimitForecast(
                    resource: resource, needed: needed, inUse: limits.mappingsInUse,
                    limit: limits.mappingLimit)
            }
        }
        let used = min(queues, configuration.queues.mappedFileLimit)
        var near: [LimitForecast] = []
        for resource in [ProcessResource.descriptors, .mappings] {
            let least = forecast(resource, always)
            if least.isBeyond { throw .limitTooLow(least) }
            let most = forecast(resource, always + 2 * used)
            if most.isNear { near.append(most) }
        }
        return near
    }

    private func count(_ path: String) throws(DiskError) -> Int {
        guard try disk.status(path)?.isDirectory == true else { return 0 }
        return try disk.list(path).count { !$0.isDirectory }
    }
}
