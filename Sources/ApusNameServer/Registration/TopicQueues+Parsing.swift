// One topic as a broker describes it: as JSON, or as words in a compressed registration.

import ApusRemoting

extension TopicQueues {
    /// A TopicConfig; what is missing or null is RocketMQ's default. `key` is the name it stands
    /// under, and its own where it says none.
    static func parse(
        _ json: JSON, key: String
    ) throws(RegistrationError) -> (name: String, queues: TopicQueues) {
        guard case .object(let fields) = json else {
            throw RegistrationError("topic \(key.debugDescription) is not an object")
        }
        let name = try Name.check(fields["topicName"]?.string ?? key, as: "the name of a topic")
        var queues = TopicQueues()
        queues.readQueueCount = try number("readQueueNums", in: fields, of: name) ?? 16
        queues.writeQueueCount = try number("writeQueueNums", in: fields, of: name) ?? 16
        if let permission = try number("perm", in: fields, of: name) {
            queues.permission = Permission(rawValue: permission)
        }
        queues.systemFlag = TopicFlag(
            rawValue: try number("topicSysFlag", in: fields, of: name) ?? 0)
        try queues.checkCounts(of: name)
        return (name, queues)
    }

    /// `topicName readQueueNums writeQueueNums perm topicFilterType [attributes]`.
    static func parse(
        words line: String
    ) throws(RegistrationError) -> (name: String, queues: TopicQueues) {
        let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: false)
        guard words.count >= 5 else {
            throw RegistrationError("a topic of \(words.count) words, where five are needed")
        }
        let name = try Name.check(String(words[0]), as: "the name of a topic")
        guard let read = Int32(words[1]), let write = Int32(words[2]), let perm = Int32(words[3])
        else {
            throw RegistrationError("topic \(name) with queues or permission that are no numbers")
        }
        let queues = TopicQueues(
            readQueueCount: read, writeQueueCount: write, permission: Permission(rawValue: perm))
        try queues.checkCounts(of: name)
        return (name, queues)
    }

    private static func number(
        _ field: String, in fields: JSONObject, of name: String
    ) throws(RegistrationError) -> Int32? {
        guard let value = fields[field], value != .null else { return nil }
        guard let number = value.int32 else {
            throw RegistrationError("\(field) of topic \(name) is no number")
        }
        return number
    }

    /// A client makes an entry of each queue that it is told of.
    private func checkCounts(of name: String) throws(RegistrationError) {
        for count in [readQueueCount, writeQueueCount] where !(0...Name.queueLimit ~= count) {
            throw RegistrationError(
                "topic \(name) has \(count) queues, where 0 to \(Name.queueLimit) are allowed")
        }
    }
}
