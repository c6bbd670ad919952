// CHECK_CLIENT_CONFIG (46): whether this broker understands a subscription, before it is made.

import ApusRemoting

extension BrokerCore {
    func checkClient(_ request: borrowing Request) throws(Refusal) -> Response {
        let json = try Refusal.json(request.body)
        guard let entry = json["subscriptionData"], let subscription = Subscription(json: entry),
            !subscription.isByTags
        else { return Response(.success) }
        throw Refusal(
            .systemError,
            "The broker does not support consumer to filter message by "
                + subscription.expressionType)
    }
}
