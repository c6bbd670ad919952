// The README's example: what stands between the two marks below is what the README shows, and a
// tidy test holds the two against each other.

import ApusStore
import TestSupport
import Testing

@Test("the README's example does what the README says")
func readmeExample() throws {
    let place = try TemporaryDirectory()
    let directory = "\(place.path)/store"
    var printed: [String] = []
    func print(_ items: Any...) { printed.append(items.map { "\($0)" }.joined(separator: " ")) }
    // README: begin
    let store = try MessageStore.open(directory, .small)
    let orders = try store.queue(topic: "Orders")
    try store.append(
        Message(topic: "Orders", body: Array("one tea".utf8), tags: "drink", keys: ["order-1"]))
    for message in try store.read(orders, from: 0).messages() {
        print(message.queueOffset, String(decoding: message.body, as: UTF8.self))
    }
    print(try store.messages(topic: "Orders", key: "order-1").count)
    try store.close()
    // README: end
    #expect(printed == ["0 one tea", "1"])
}
