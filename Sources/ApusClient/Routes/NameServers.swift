// Asks NameServers. The one that answered last is asked first; the others come next when it does
// not.

internal import ApusFormat
internal import ApusRemoting
internal import Synchronization

/// The NameServers of a client.
final class NameServers: Sendable {
    private let addresses: [String]
    private let remoting: RemotingClient
    /// The place in `addresses` of the one that is asked first.
    private let preferred: Atomic<Int>

    init(_ addresses: [String], _ remoting: RemotingClient) {
        self.addresses = addresses
        self.remoting = remoting
        // Clients that start together do not all ask the same one.
        preferred = Atomic(addresses.isEmpty ? 0 : Int.random(in: 0..<addresses.count))
    }

    /// The route of a topic; nil when all that answer know of none. One of them may have just
    /// begun, and know less than the others.
    func route(
        of topic: String, until deadline: Deadline
    ) async throws(ClientError) -> TopicRoute? {
        let attempt = "asking NameServers for the route of \(topic)"
        var failure: ClientError?
        var isDistrusted = true
        var hasAnswer = false
        let first = preferred.load(ordering: .relaxed)
        for step in addresses.indices {
            if Task.isCancelled { throw .cancelled(attempt) }
            let place = (first + step) % addresses.count
            // So that one that does not answer leaves the others time.
            let share = deadline.remaining / (addresses.count - step)
            if share <= .zero { break }
            do throws(ClientError) {
                let answer = try await ask(addresses[place], topic, share, attempt)
                hasAnswer = true
                guard let answer else { continue }
                preferred.store(place, ordering: .relaxed)
                return answer
            } catch {
                // Of what fails for different reasons that one is told which can be mended here.
                if failure?.kind != .untrusted { failure = error }
                isDistrusted = isDistrusted && error.kind == .untrusted
            }
        }
        if hasAnswer { return nil }
        if let failure, isDistrusted { throw failure }
        throw ClientError(
            .noNameServer, attempt,
            failure.map { "none of \(addresses.joined(separator: ", ")) answers; \($0.reason)" }
                ?? "no time is left for it")
    }

    private func ask(
        _ address: String, _ topic: String, _ time: Duration, _ attempt: String
    ) async throws(ClientError) -> TopicRoute? {
        let request = RemotingCommand.request(
            .getRouteinfoByTopic, fields: ["topic": topic, "acceptStandardJsonOnly": "true"])
        let answer: RemotingCommand
        do throws(RemotingError) {
            answer = try await remoting.invoke(request, on: address, timeout: time)
        } catch {
            throw ClientError(error, attempt)
        }
        if answer.responseCode == .topicNotExist { return nil }
        guard answer.responseCode == .success else { throw ClientError(answer, attempt) }
        do {
            return try TopicRoute(topic: topic, json: JSON(parsing: answer.body.rawSpan))
        } catch let problem as RouteProblem {
            throw ClientError(.badAnswer, attempt, "\(address) sent \(problem.text)")
        } catch {
            throw ClientError(.badAnswer, attempt, "\(address) sent no JSON: \(error)")
        }
    }
}
