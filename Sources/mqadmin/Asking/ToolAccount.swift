// The account that requests are signed with: `conf/tools.yml` under ROCKETMQ_HOME, as RocketMQ's
// mqadmin has it.

import ApusRemoting
import ApusServer
import ApusSystem

/// Where the tool's own account comes from.
enum ToolAccount {
    /// Why the file cannot be used, in words.
    struct Complaint: Error, CustomStringConvertible {
        let description: String
    }

    /// Nil where there is no file: nothing is signed then.
    static func read(
        home: String?, disk: any Disk = SystemDisk()
    ) throws(Complaint) -> SessionCredentials? {
        guard let home, !home.isEmpty else { return nil }
        let path = "\(home)/conf/tools.yml"
        let bytes: [UInt8]?
        do throws(DiskError) { bytes = try disk.contents(of: path, limit: 1 << 20) } catch {
            throw Complaint(description: "\(path) cannot be read: \(error)")
        }
        guard let bytes else { return nil }
        let file: YAML
        do throws(YAMLError) {
            file = try YAML(parsing: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw Complaint(description: "\(path):\(error.line): \(error.reason)")
        }
        if file.content == .null { return nil }
        guard let accessKey = file["accessKey"]?.text, let secretKey = file["secretKey"]?.text
        else { throw Complaint(description: "\(path): accessKey or secretKey is missing") }
        return SessionCredentials(accessKey: accessKey, secretKey: secretKey)
    }
}
