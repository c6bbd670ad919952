// Cooks what is ordered.

import ApusClient

struct OvenIsCold: Error {}

let oven = ContinuousClock.now.advanced(by: .seconds(2))
let client = ClientConfiguration(nameServers: "127.0.0.1:9876")
var settings = ConsumerConfiguration(client, group: "cooks", Subscription("Kitchen"))
settings.start = .first

let cooks = try PushConsumer(settings, order: .perQueue) { order in
    if ContinuousClock.now < oven { throw OvenIsCold() }
    print("cooking \(order.text), number \(order.queueOffset) of \(order.queue)")
}
try await cooks.run()
