// CHECK_CLIENT_CONFIG (46): whether this broker understands a subscription, before it is made.

import ApusRemoting

extension BrokerCore {
    func checkClient(_ request: borrowing Request) throws(Refusal) -> Answer {
        let json = try Refusal.json(request.body)
        guard let entry = json["subscriptionData"], let subscription = Subscription(json: entry),
            !subscription.isByTags
        else { return Answer() }
        throw Refusal(
            .systemError,
            "The broker does not support consumer to filter message by "
                + subscription.expressionType)
    }
}
