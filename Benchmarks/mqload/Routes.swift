// Asks NameServers where brokers are.

import ApusRemoting
import Bench

/// What NameServers know.
struct Routes {
    let client: RemotingClient
    /// With `;` between them: the first that answers counts.
    let nameServers: String

    /// The masters that have the topic; where none has it, all masters.
    func masters(topic: String) async throws -> [String] {
        var failure: any Error = UsageError("--namesrv names no NameServer")
        for address in nameServers.split(separator: ";").map(String.init) {
            do {
                let found = try await masters(topic: topic, on: address)
                guard !found.isEmpty else { throw BenchError("\(address) knows no broker") }
                return found
            } catch { failure = error }
        }
        throw failure
    }

    private func masters(topic: String, on address: String) async throws -> [String] {
        let route = try await client.invoke(
            .request(.getRouteinfoByTopic, fields: ["topic": topic]), on: address)
        if route.responseCode == .success {
            let brokers = try JSON(parsing: route.body.span.bytes)["brokerDatas"]?.array ?? []
            return brokers.compactMap { $0["brokerAddrs"]?["0"]?.string }
        }
        let cluster = try await client.invoke(.request(.getBrokerClusterInfo), on: address)
        guard cluster.responseCode == .success else {
            throw BenchError(
                "\(address) answers with \(CodeName.of(cluster.code)): \(cluster.remark ?? "")")
        }
        let table = try JSON(parsing: cluster.body.span.bytes)["brokerAddrTable"]?.object
        return (table?.members ?? []).compactMap { $0.value["brokerAddrs"]?["0"]?.string }
    }
}
