// What keeping the broker's own state can fail with.

public import ApusServer

/// A change of topics, groups or offsets that was refused or could not be kept.
public enum StateError: Error, Hashable, Sendable {
    case file(StateFileError)
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
        case .file(let error): error.description
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

extension StateFile {
    /// `load`, with the broker's errors.
    func read<Value>(
        _ decode: (RawSpan) throws(StateProblem) -> Value
    ) throws(StateError) -> Value? {
        do throws(StateFileError) { return try load(decode) } catch { throw .file(error) }
    }

    /// `save`, with the broker's errors.
    func replace(with bytes: [UInt8]) throws(StateError) {
        do throws(StateFileError) { try save(bytes) } catch { throw .file(error) }
    }
}
