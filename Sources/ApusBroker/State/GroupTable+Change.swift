// Groups that come, change and go. Each call waits for the disk.

import ApusRemoting
import ApusServer
import ApusSystem

extension GroupTable {
    /// The group, made with RocketMQ's defaults when it is not there and may be made; nil when it
    /// may not, or its name is not allowed.
    public func createOnUse(_ name: String) throws(StateError) -> Group? {
        if let group = group(name) { return group }
        let isSystem = name.hasPrefix(WellKnownName.systemGroupPrefix)
        guard createsOnUse.isOn || isSystem && creation.createsSystemGroups,
            NameRules.complaint(group: name) == nil
        else { return nil }
        return try changing { (groups) throws(StateError) in
            if let group = groups.byName[name] { return .no(group) }
            let group = Group(GroupSettings(name))
            groups.byName[name] = group
            return .yes(group)
        }
    }

    /// Makes or replaces groups, in one write; all or none. `attributes` are changes: `+key` sets,
    /// `-key` removes; RocketMQ knows no key for groups. What changes nothing makes no new version.
    public func update(_ settings: [GroupSettings]) throws(StateError) {
        for one in settings {
            if let complaint = NameRules.complaint(group: one.name) {
                throw .invalidName(complaint)
            }
            guard (0...TopicTable.queueLimit).contains(one.retryQueues) else {
                throw .invalidQueueCount(one.retryQueues)
            }
        }
        try changing { (groups) throws(StateError) in
            var changed: [Group] = []
            for var one in settings {
                let old = groups.byName[one.name]?.settings
                one.attributes = try Attributes.altering(
                    old?.attributes, by: one.attributes, rules: Attributes.group)
                if one.unknown.isEmpty { one.unknown = old?.unknown ?? one.unknown }
                if one != old { changed.append(Group(one)) }
            }
            for group in changed { groups.byName[group.name] = group }
            return changed.isEmpty ? .no(()) : .yes(())
        }
    }

    /// Forbids a group something with a topic, or allows it again: `bit` is from 0 to 30.
    public func setForbidden(
        group: String, topic: String, bit: Int, _ isForbidden: Bool
    ) throws(StateError) {
        guard (0...30).contains(bit) else { return }
        try changing { (groups) throws(StateError) in
            let before = groups.forbidden[group]?[topic] ?? 0
            let after = isForbidden ? before | 1 << bit : before & ~(1 << bit)
            if after == before { return .no(()) }
            groups.forbidden[group, default: [:]][topic] = after == 0 ? nil : after
            if groups.forbidden[group]?.isEmpty == true { groups.forbidden[group] = nil }
            return .yes(())
        }
    }

    /// Removes a group; false when it is not there.
    public func remove(_ name: String) throws(StateError) -> Bool {
        if group(name) == nil { return false }
        return try changing { (groups) throws(StateError) in
            guard groups.byName.removeValue(forKey: name) != nil else { return .no(false) }
            groups.forbidden[name] = nil
            return .yes(true)
        }
    }

    /// Writes the table as it is.
    public func persist() throws(StateError) { try kept.keep() }

    /// Makes a change with a new version, and shows it.
    private func changing<Outcome: Sendable>(
        _ body: @escaping @Sendable (inout Groups) throws(StateError) -> Changed<Outcome>
    ) throws(StateError) -> Outcome {
        let time = time
        let outcome = try kept.change { (groups) throws(StateError) -> Changed<Outcome> in
            let changed = try body(&groups)
            if changed.isChange { groups.version.advance(at: time.wallMilliseconds) }
            return changed
        }
        show()
        return outcome
    }
}
