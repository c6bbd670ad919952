// A program that embeds the store, as a user would write it.
//
//     swift run --package-path docs/embedding orders DIRECTORY
//
// It opens a store in DIRECTORY (made when it is not there), appends orders, reads them back in
// order, by key, in place and as they come, closes the store, and opens it again. It prints what it
// did and ends with exit code 1 when something is not as it should be. Run it twice on the same
// directory: it goes on where it was.

import ApusFormat
import ApusStore

guard CommandLine.arguments.count == 2 else {
    fail("usage: orders DIRECTORY")
}
let directory = CommandLine.arguments[1]

do {
    let store = try MessageStore.open(directory, .small, observer: Printer())
    let orders = try store.queue(topic: "Orders", id: 1)
    let start = try store.maximumOffset(orders)

    try appendOne(to: store)
    try appendInPlace(to: store, orders)
    try appendBatch(to: store)
    try expect(store.maximumOffset(orders) == start + 5, "five orders were appended")

    try readInOrder(store, orders, from: start)
    try readByKey(store)
    try readInPlace(store, orders, from: start)
    try await waitForNext(store, orders)
    try store.close()

    // What was appended is there when the store is opened again.
    let again = try MessageStore.open(directory, .small)
    let queue = try again.queue(topic: "Orders", id: 1)
    try expect(again.maximumOffset(queue) == start + 7, "seven orders are there after a restart")
    try again.close()
} catch {
    // Every error of the store says what was attempted and what to do next.
    fail("orders: \(error)")
}

/// Prints what the store has to say while it runs.
struct Printer: StoreObserver {
    func storeDid(_ event: StoreEvent) {
        if case .opened(let guarantee) = event { print(guarantee) }
    }
}
