// The key-value configuration: texts by namespace and key, for operators and for ordered topics.

import ApusRemoting
import ApusServer

/// What `PUT_KV_CONFIG` puts.
struct KeyValueTable: Hashable, Sendable {
    /// Bytes of all namespaces, keys and values together: the table is held in memory, and written
    /// whole at each change.
    static let byteLimit = 8 << 20

    /// A namespace stays when its last key has gone, as in RocketMQ.
    private(set) var namespaces: [String: [String: String]] = [:]
    private(set) var byteCount = 0

    subscript(namespace: String, key: String) -> String? { namespaces[namespace]?[key] }

    mutating func put(_ value: String, for key: String, in namespace: String) {
        if namespaces[namespace] == nil { byteCount += namespace.utf8.count }
        remove(key, in: namespace)
        namespaces[namespace, default: [:]][key] = value
        byteCount += key.utf8.count + value.utf8.count
    }

    mutating func remove(_ key: String, in namespace: String) {
        guard let old = namespaces[namespace]?.removeValue(forKey: key) else { return }
        byteCount -= key.utf8.count + old.utf8.count
    }

    /// RocketMQ's KVTable of one namespace; nil when there is none.
    func json(of namespace: String) -> JSON? {
        guard let entries = namespaces[namespace] else { return nil }
        return .object(JSONObject([("table", .object(entries) { .string($0) })]))
    }

    // MARK: - In a file

    /// `{"configTable":{"namespace":{"key":"value"}}}`, as RocketMQ writes it.
    var json: JSON {
        .object(JSONObject([("configTable", .object(namespaces) { .object($0) { .string($0) } })]))
    }

    /// The longest file that is read, in bytes: a table of the greatest size, with every byte
    /// escaped.
    static let fileLimit = 8 * byteLimit

    /// Of a file: no entry takes fewer than six bytes, so that none is refused for its values.
    private static let limits = JSONLimits(values: fileLimit / 4)

    /// The table in a file.
    init(parsing bytes: RawSpan) throws(StateProblem) {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes, limits: Self.limits)
        } catch {
            throw StateProblem("\(error)")
        }
        guard let table = KeyValueTable(json) else { throw StateProblem("no table of namespaces") }
        self = table
    }

    /// nil for what is no such table.
    init?(_ json: JSON) {
        self.init()
        guard case .object(let root) = json else { return nil }
        if root.isEmpty { return }
        guard case .object(let namespaces)? = root["configTable"] else { return nil }
        for namespace in namespaces.members {
            guard case .object(let entries) = namespace.value else { return nil }
            if self.namespaces[namespace.name] == nil {
                self.namespaces[namespace.name] = [:]
                byteCount += namespace.name.utf8.count
            }
            for entry in entries.members where entry.value != .null {
                guard let value = entry.value.string else { return nil }
                put(value, for: entry.name, in: namespace.name)
            }
        }
    }

    init() {}
}
