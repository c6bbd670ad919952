// What the store has to say while it runs. The engine logs nothing itself.

public import ApusSystem

/// Something an operator may want to know.
public enum StoreEvent: Hashable, Sendable {
    /// What an acknowledgement means under these settings, on one line.
    case opened(guarantee: String)
    /// The files of the store may take more than four fifths of what the process may have. Told
    /// when it is opened.
    case limitNear(LimitForecast)
    case recovering(from: Int64, to: Int64)
    /// Damage below the durable mark: kept, copied to quarantine, never served.
    case damaged(DamagedRange)
    /// The scrubber found a flushed stretch of the log that is not whole records any more: never
    /// served from now on, left in place, and told of once for each opening. `cause` says that the
    /// bytes could not be read, so that nothing is known of them; such a stretch is told of again.
    case scrubFound(DamagedRange, path: String, cause: DiskError?)
    case queueRebuilt(topic: String, queueID: Int32)
    case segmentReady(base: Int64)
    case segmentDeleted(base: Int64, reason: String)
    /// The disk had no room; repeated at most once a second while that lasts.
    case diskFull(path: String)
    case poisoned(DiskError)
    /// The wall clock was set ahead by so much more than the time that passed. Retention believes
    /// it when it has stayed there for an hour.
    case clockLeapt(milliseconds: Int64)
    /// The wall clock is behind the newest message by so much. Store timestamps never go back:
    /// until it has caught up, all messages get that message's, and retention by age keeps them as
    /// long.
    case clockBehind(milliseconds: Int64)
    /// A guarded mapping failed: the file was cut short, or its device does not give a page of it.
    /// Nothing is read from it any more. Told of once for each file.
    case mappingFailed(DiskError)
    /// The process has no room for one more guarded mapping: a fault in this one ends it.
    case unguarded(path: String)
    /// A background step failed and will be tried again.
    case delayed(task: String, error: StoreError)
    case closed
}

/// Receives the store's events. Called on the store's threads: return soon.
public protocol StoreObserver: Sendable {
    func storeDid(_ event: StoreEvent)
}
