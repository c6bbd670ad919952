// Asks servers and reads their answers: the small client that all commands share.

import ApusFormat
import ApusRemoting

/// Asks brokers, and the NameServers that are known.
struct Admin: Sendable {
    let client: RemotingClient
    /// As `host:port`.
    let nameServers: [String]
    /// RocketMQ's tools wait as long.
    private static let timeout = Duration.seconds(5)

    init(client: RemotingClient, nameServers: [String]) {
        self.client = client
        self.nameServers = nameServers
    }

    /// The addresses of a list, which `;` or `,` divides.
    static func addresses(_ list: String) -> [String] {
        list.split { $0 == ";" || $0 == "," }.map { $0.filter { !$0.isWhitespace } }
            .filter { !$0.isEmpty }
    }

    /// Asks `address`, and gives its answer when the code is one of `codes`. `wish` says what for,
    /// as in "could not `wish`".
    func ask(
        _ address: String, to wish: String, _ code: RequestCode, _ fields: HeaderFields = [:],
        body: [UInt8] = [], accepting codes: Set<ResponseCode> = [.success],
        timeout: Duration = Admin.timeout
    ) async throws(AdminError) -> RemotingCommand {
        let request = RemotingCommand.request(code, fields: fields, body: body)
        let answer: RemotingCommand
        do throws(RemotingError) {
            answer = try await client.invoke(request, on: address, timeout: timeout)
        } catch {
            throw .unanswered(wish, error)
        }
        guard codes.contains(answer.responseCode) else {
            throw .refused(
                wish, address: address, answer.responseCode, remark: answer.remark ?? "")
        }
        return answer
    }

    /// The same for an answer whose body is JSON.
    func askForJSON(
        _ address: String, to wish: String, _ code: RequestCode, _ fields: HeaderFields = [:]
    ) async throws(AdminError) -> JSON {
        try Self.json(try await ask(address, to: wish, code, fields), wish, address)
    }

    static func json(
        _ answer: RemotingCommand, _ wish: String, _ address: String
    ) throws(AdminError) -> JSON {
        do throws(JSONError) { return try JSON(parsing: answer.body.rawSpan) } catch {
            throw .malformed(wish, address: address, reason: "\(error)")
        }
    }

    /// Asks the first NameServer that answers. `address` is the one that did.
    func askNameServer(
        to wish: String, _ code: RequestCode, _ fields: HeaderFields = [:],
        accepting codes: Set<ResponseCode> = [.success]
    ) async throws(AdminError) -> (answer: RemotingCommand, address: String) {
        var last = AdminError.noNameServer
        for address in nameServers {
            do throws(AdminError) {
                let answer = try await ask(address, to: wish, code, fields, accepting: codes)
                return (answer, address)
            } catch {
                last = error
                if case .unanswered = error { continue }
                throw error
            }
        }
        throw last
    }

    func askNameServerForJSON(
        to wish: String, _ code: RequestCode, _ fields: HeaderFields = [:]
    ) async throws(AdminError) -> JSON {
        let (answer, address) = try await askNameServer(to: wish, code, fields)
        return try Self.json(answer, wish, address)
    }

    /// All NameServers; at least one.
    var allNameServers: [String] {
        get throws(AdminError) {
            if nameServers.isEmpty { throw .noNameServer }
            return nameServers
        }
    }
}
