// What stands at the front of our own frames.

extension HeaderNumbers {
    /// What stands in an answer of ours.
    init(answering key: ReplyKey, _ code: ResponseCode) {
        self.init(
            code: code.rawValue, language: .other, version: RemotingCommand.currentVersion,
            opaque: key.opaque, flags: 1)
    }

    /// What stands in a request of ours.
    init(asking code: RequestCode, _ opaque: Int32) {
        self.init(
            code: code.rawValue, language: .other, version: RemotingCommand.currentVersion,
            opaque: opaque, flags: 0)
    }
}
