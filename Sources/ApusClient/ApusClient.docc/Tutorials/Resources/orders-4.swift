// Takes orders.

import ApusClient

let client = ClientConfiguration(nameServers: "127.0.0.1:9876")
let producer = try Producer(ProducerConfiguration(client))

try await producer.running { producer in
    for course in ["soup", "pie", "cake"] {
        for table in ["table-7", "table-8"] {
            let order = Message("\(course) for \(table)", to: "Kitchen", keys: [table])
            let receipt = try await producer.send(order, shardingKey: table)
            print("\(order.keys[0]): \(course) is in \(receipt.queue)")
        }
    }
}
