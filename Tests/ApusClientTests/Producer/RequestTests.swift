// Requests that are answered over topics.

import ApusFormat
import Testing

@testable import ApusClient

@Suite("Requests and replies")
struct RequestReplyTests {
    @Test("a reply comes to whoever asked")
    func replied() async throws {
        try await withSystem { system in
            let asking = try Producer(ProducerConfiguration(system.client))
            let answering = try Producer(ProducerConfiguration(system.client))
            try await asking.running { asking in
                try await answering.running { answering in
                    async let reply = asking.request(
                        Message("how much?", to: "Questions"), timeout: .seconds(10))
                    var question: ReceivedMessage?
                    try await eventually("the question is there") {
                        question = try await allMessages(system, "Questions").first
                        return question != nil
                    }
                    let asked = try #require(question)
                    try await answering.reply(to: asked, Array("seven".utf8))
                    let answer = try await reply
                    #expect(answer.text == "seven")
                    #expect(answer.topic.hasSuffix("_REPLY_TOPIC"))
                }
            }
        }
    }

    @Test("without a reply the error says that the request was sent")
    func unanswered() async throws {
        try await withSystem { system in
            let producer = try Producer(ProducerConfiguration(system.client))
            try await producer.running { producer in
                let error = await #expect(throws: ClientError.self) {
                    try await producer.request(
                        Message("x", to: "Questions"), timeout: .milliseconds(300))
                }
                #expect(error?.kind == .timedOut && error?.mayHaveHappened == true)
            }
        }
    }

    @Test("a message that nobody waits for cannot be replied to")
    func notAsked() async throws {
        try await withSystem { system in
            let producer = try Producer(ProducerConfiguration(system.client))
            try await producer.running { producer in
                let receipt = try await producer.send(Message("x", to: "Orders"))
                let stored = try await messages(system, "Orders", queue: receipt.queue.id)
                let message = try #require(stored.first)
                let error = await #expect(throws: ClientError.self) {
                    try await producer.reply(to: message, [1])
                }
                #expect(error?.kind == .invalidMessage)
            }
        }
    }
}
