// Cooks what is ordered.

import ApusClient

let client = ClientConfiguration(nameServers: "127.0.0.1:9876")
var settings = ConsumerConfiguration(client, group: "cooks", Subscription("Kitchen"))
settings.start = .first

let cooks = try PushConsumer(settings) { order in
    print("cooking \(order.text)")
}
try await cooks.run()
