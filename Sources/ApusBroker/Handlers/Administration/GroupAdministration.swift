// UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200), DELETE_SUBSCRIPTIONGROUP (207),
// GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201) and GET_SUBSCRIPTIONGROUP_CONFIG (352).

import ApusFormat
import ApusRemoting
import ApusServer

extension BrokerCore {
    func updateGroup(_ command: RemotingCommand) throws(Refusal) -> Response {
        let json = try Refusal.json(command.body.rawSpan)
        let settings: GroupSettings
        do throws(StateProblem) { settings = try GroupSettings(json) } catch {
            throw Refusal(.systemError, "\(error)")
        }
        try Refusal.state { () throws(StateError) in try state.groups.update([settings]) }
        return Response(.success)
    }

    func deleteGroup(_ command: RemotingCommand) throws(Refusal) -> Response {
        let name = try command.fields.requiredText("groupName")
        _ = try Refusal.state { () throws(StateError) in try state.groups.remove(name) }
        // RocketMQ's tools clean the offsets of a group that consumes in clusters, and say so.
        if command.fields.bool("cleanOffset", or: false) { state.offsets.remove(group: name) }
        return Response(.success)
    }

    func allGroups() -> Response {
        let (groups, version) = state.groups.snapshot
        var table = JSONObject()
        for (name, group) in groups.sorted(by: { $0.key < $1.key }) {
            table.append(name, group.settings.json)
        }
        return Response(
            json: ["dataVersion": version.json, "subscriptionGroupTable": .object(table)])
    }

    func groupConfiguration(_ command: RemotingCommand) throws(Refusal) -> Response {
        let name = try command.fields.requiredText("group")
        guard let group = state.groups.group(name), case .object(let json) = group.settings.json
        else {
            throw Refusal(.subscriptionGroupNotExist, "No group in this broker. group: \(name)")
        }
        return Response(json: json)
    }
}
