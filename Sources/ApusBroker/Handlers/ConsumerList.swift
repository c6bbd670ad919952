// GET_CONSUMER_LIST_BY_GROUP (38): whom a consumer shares its group's queues with.

import ApusRemoting
import Synchronization

extension BrokerCore {
    func consumerList(_ request: borrowing Request) throws(Refusal) -> Response {
        let group: String
        do throws(HeaderError) { group = try request.string("consumerGroup") } catch {
            throw Refusal(error)
        }
        let ids = clients.withLock { $0.consumers[group]?.clientIDs } ?? []
        if ids.isEmpty {
            throw Refusal(.systemError, "no consumer for this group, \(group)")
        }
        return Response(json: ["consumerIdList": .array(ids.map { .string($0) })])
    }
}
