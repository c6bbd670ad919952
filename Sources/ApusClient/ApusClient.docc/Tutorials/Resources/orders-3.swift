// Takes orders.

import ApusClient

let client = ClientConfiguration(nameServers: "127.0.0.1:9876")
let producer = try Producer(ProducerConfiguration(client))

try await producer.running { producer in
    let order = Message("one soup", to: "Kitchen", tag: "starter", keys: ["table-7"])
    let receipt = try await producer.send(order)
    print("\(receipt.id) is number \(receipt.queueOffset) of \(receipt.queue)")
}
