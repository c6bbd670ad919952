// Takes orders.

import ApusClient

let client = ClientConfiguration(nameServers: "127.0.0.1:9876")
let producer = try Producer(ProducerConfiguration(client))

try await producer.running { producer in
    let receipt = try await producer.send(Message("one soup", to: "Kitchen"))
    print("\(receipt.id) is number \(receipt.queueOffset) of \(receipt.queue)")
}
