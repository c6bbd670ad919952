// Requests that may wait for the disk, those of administrators among them: the second half of the
// router's `switch`.

import ApusRemoting

extension BrokerCore {
    /// Carries a request out, as an errand.
    func carryOut(
        _ command: RemotingCommand, on connection: Connection, for account: Account?
    ) throws(Refusal) -> Response {
        switch command.requestCode {
        case .endTransaction: return try endTransaction(command, for: account)
        case .heartBeat: return try heartBeat(command, on: connection)
        case .queryMessage: return try queryMessage(command)
        case .viewMessageById: return try viewMessage(command, for: account)
        default: return try administrate(command)
        }
    }

    private func administrate(_ command: RemotingCommand) throws(Refusal) -> Response {
        switch command.requestCode {
        case .updateAndCreateTopic: try updateTopic(command)
        case .deleteTopicInBroker: try deleteTopic(command)
        case .getAllTopicConfig: allTopics()
        case .getTopicConfig: try topicConfiguration(command)
        case .getSystemTopicListFromBroker: systemTopics()
        case .updateAndCreateSubscriptiongroup: try updateGroup(command)
        case .deleteSubscriptiongroup: try deleteGroup(command)
        case .getAllSubscriptiongroupConfig: allGroups()
        case .getSubscriptiongroupConfig: try groupConfiguration(command)
        case .getTopicStatsInfo: try topicStatistics(command)
        case .getConsumeStats: try consumeStatistics(command)
        case .getBrokerConsumeStats: try brokerConsumeStatistics(command)
        case .cloneGroupOffset: try cloneOffsets(command)
        default: try inform(command)
        }
    }

    private func inform(_ command: RemotingCommand) throws(Refusal) -> Response {
        switch command.requestCode {
        case .getConsumerConnectionList: try consumerConnections(command)
        case .getProducerConnectionList: try producerConnections(command)
        case .queryTopicConsumeByWho: try groupsConsuming(command)
        case .queryTopicsByConsumer: try topicsConsumed(command)
        case .querySubscriptionByConsumer: try subscription(command)
        case .invokeBrokerToResetOffset: try resetOffset(command)
        case .queryConsumeTimeSpan: try consumeTimeSpan(command)
        case .queryCorrectionOffset: try correctionOffsets(command)
        case .queryConsumeQueue: try queueEntries(command)
        case .getAllProducerInfo: allProducers()
        default: try describe(command)
        }
    }

    private func describe(_ command: RemotingCommand) throws(Refusal) -> Response {
        switch command.requestCode {
        case .viewBrokerStatsData: try statisticsData(command)
        case .getBrokerRuntimeInfo: runtimeInformation()
        case .getBrokerConfig: brokerConfiguration()
        case .updateBrokerConfig: try updateConfiguration(command)
        case .getAllConsumerOffset: Response(.success, body: state.offsets.document)
        case .getAllDelayOffset: Response(.success, body: state.delayOffsets.document)
        default: .unsupported(command.requestCode)
        }
    }
}
