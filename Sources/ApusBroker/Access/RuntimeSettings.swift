// UPDATE_BROKER_CONFIG (25): the settings that an administrator may change while the broker runs.
//
// A list of what may be, each with its type, where RocketMQ has a list of what may not. Only with
// access control, and until the broker is started again: its file stays as it is.

import ApusRemoting
import ApusServer
import Logging
import Synchronization

extension BrokerCore {
    func updateConfiguration(_ command: RemotingCommand) throws(Refusal) -> Response {
        // Without access control nobody is known to be an administrator.
        guard access != nil else {
            throw Refusal(
                .noPermission, "settings are changed in the broker's file, not over the network")
        }
        let entries: [JavaProperties.Entry]
        do throws(JavaPropertiesError) {
            entries = try JavaProperties(parsing: command.body).entries
        } catch {
            throw Refusal(.systemError, "the body is no properties file: \(error)")
        }
        guard !entries.isEmpty else { throw Refusal(.systemError, "the body names no setting") }
        // All or nothing.
        var changes: [(setting: Switch, value: Bool, entry: JavaProperties.Entry)] = []
        for entry in entries {
            guard let setting = runtimeSettings[entry.key] else {
                throw Refusal(
                    .noPermission,
                    "\(entry.key) is changed in the broker's file; while it runs, only "
                        + runtimeSettings.keys.sorted().joined(separator: " and "))
            }
            do throws(ValueComplaint) {
                changes.append((setting, try ConfigurationKey.flag(entry.value.trimmed), entry))
            } catch {
                throw Refusal(.systemError, "\(entry.key): \(error.text)")
            }
        }
        for change in changes {
            change.setting.set(change.value)
            logger.notice(
                "a setting was changed until the broker is started again",
                metadata: ["key": "\(change.entry.key)", "value": "\(change.value)"])
        }
        return Response(.success)
    }

    private var runtimeSettings: [String: Switch] {
        [
            "autoCreateTopicEnable": state.topics.createsOnSend,
            "autoCreateSubscriptionGroup": state.groups.createsOnUse,
        ]
    }
}

/// A setting that is on or off and may be changed at any time.
final class Switch: Sendable {
    private let value: Atomic<Bool>

    init(_ isOn: Bool) { value = Atomic(isOn) }

    var isOn: Bool { value.load(ordering: .relaxed) }
    func set(_ isOn: Bool) { value.store(isOn, ordering: .relaxed) }
}
