// Takes orders.

import ApusClient

let client = ClientConfiguration(nameServers: "127.0.0.1:9876")
let producer = try Producer(ProducerConfiguration(client))

try await producer.running { producer in
}
