// Takes orders.

import ApusClient

let client = ClientConfiguration(nameServers: "127.0.0.1:9876")
let producer = try Producer(ProducerConfiguration(client))

try await producer.running { producer in
    for course in ["soup", "pie", "cake"] {
        for table in ["table-7", "table-8"] {
            let order = Message("\(course) for \(table)", to: "Kitchen", keys: [table])
            do throws(ClientError) {
                let receipt = try await producer.send(order, shardingKey: table)
                print("\(table): \(course) is in \(receipt.queue)")
            } catch {
                print("\(table): no \(course): \(error)")
                if error.mayHaveHappened { print("it may come all the same") }
                if error.isRetryable { print("try again later") }
            }
        }
    }
}
