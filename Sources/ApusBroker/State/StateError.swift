// What keeping the broker's own state can fail with.

public import ApusSystem

/// A change of topics, groups or offsets that was refused or could not be kept.
public enum StateError: Error, Hashable, Sendable {
    /// Neither the file nor the one before it can be used. Nothing is started over in silence.
    case damaged(path: String, reason: String, backup: String)
    case file(DiskError)
    /// A name that RocketMQ's rules, or those of paths, do not allow. The text is RocketMQ's.
    case invalidName(String)
    case invalidPermission(Permission)
    /// A number of queues that is negative or larger than a topic may have.
    case invalidQueueCount(Int32)
    case invalidAttribute(key: String, reason: String)
    case systemTopic(String)
    case unknownTopic(String)
    case unknownGroup(String)
}

extension StateError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .damaged(let path, let reason, let backup):
            "cannot read \(path): \(reason); nor its predecessor: \(backup). Put a good copy in its"
                + " place, or move both files away to start without"
        case .file(let error): "\(error); the change was not made"
        case .invalidName(let text): text
        case .invalidPermission(let permission):
            "permission \(permission.rawValue) is not from 0 to 7"
        case .invalidQueueCount(let count):
            "\(count) queues are not from 0 to \(TopicTable.queueLimit)"
        case .invalidAttribute(let key, let reason): "attribute \(key): \(reason)"
        case .systemTopic(let name): "the topic \(name) is the system's own"
        case .unknownTopic(let name): "the topic \(name) does not exist"
        case .unknownGroup(let name): "the consumer group \(name) does not exist"
        }
    }
}
