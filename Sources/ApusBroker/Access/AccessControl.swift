// ACL 1.0: every request is signed by an account, and the account may do what it asks for.
//
// The accounts are in `conf/plain_acl.yml` and the YAML files of `conf/acl` under `rocketmqHome`,
// and are read again when these change. No address goes without a signature, unlike with RocketMQ.

import ApusRemoting
import ApusServer
import ApusSystem
import Logging
import Synchronization

/// The accounts, and what is held against them.
final class AccessControl: Sendable {
    private struct State {
        var rules: AccessRules
        /// The files by their paths, as they were when they were last taken over or refused.
        var files: [String: [UInt8]]
        /// As they were last read.
        var seen: [String: [UInt8]]
        /// Why they could not be read, the last time they were.
        var complaint: AccessFileError?
    }

    private let directory: String
    private let disk: any Disk
    private let logger: Logger
    private let state: Mutex<State>
    /// Refusals that were not logged since the last that was.
    private let silent = Atomic<Int>(0)
    private let lastLogged = Atomic<Int64>(.min)

    /// Reads the accounts under `home`. Fails when there is no file, or when one is not understood.
    init(home: String, disk: any Disk = SystemDisk(), logger: Logger) throws(AccessFileError) {
        directory = "\(home)/conf"
        self.disk = disk
        self.logger = logger
        let files = try Self.read(disk, "\(home)/conf")
        state = Mutex(State(rules: try Self.rules(files), files: files, seen: files))
        for warning in state.withLock({ $0.rules.warnings }) { logger.warning("\(warning)") }
    }

    private static let fileLimit = 1 << 20

    private static func read(
        _ disk: any Disk, _ directory: String
    ) throws(AccessFileError) -> [String: [UInt8]] {
        var paths = ["\(directory)/plain_acl.yml"]
        do throws(DiskError) {
            if try disk.status("\(directory)/acl")?.isDirectory == true {
                paths += try disk.list("\(directory)/acl")
                    .filter { !$0.isDirectory }.map { "\(directory)/acl/\($0.name)" }
                    .filter { $0.hasSuffix(".yml") || $0.hasSuffix(".yaml") }
            }
        } catch {
            throw AccessFileError(path: "\(directory)/acl", line: nil, reason: "\(error)")
        }
        var files: [String: [UInt8]] = [:]
        for path in paths {
            do throws(DiskError) {
                if let bytes = try disk.contents(of: path, limit: fileLimit) {
                    files[path] = bytes
                }
            } catch {
                throw AccessFileError(path: path, line: nil, reason: "\(error)")
            }
        }
        guard !files.isEmpty else {
            throw AccessFileError(
                path: paths[0], line: nil,
                reason: "aclEnable is set and there is no such file: nobody could do anything")
        }
        return files
    }

    private static func rules(_ files: [String: [UInt8]]) throws(AccessFileError) -> AccessRules {
        var rules = AccessRules()
        for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
            guard bytes.count <= fileLimit, let text = String(validating: bytes, as: UTF8.self)
            else {
                throw AccessFileError(path: path, line: nil, reason: "it is no text of 1 MiB")
            }
            try rules.take(text, from: path)
        }
        return rules
    }

    /// Who there is, sorted.
    var accessKeys: [String] { state.withLock { $0.rules.accounts.keys.sorted() } }

    /// Reads the files again, and takes them over when they changed and stay as they are: the half
    /// of a file that is being written could mean other rights. What is not understood, or not
    /// there, changes nothing.
    func reload() {
        do throws(AccessFileError) {
            let files = try Self.read(disk, directory)
            let isNew = state.withLock { state in
                defer { state.seen = files }
                state.complaint = nil
                guard files == state.seen, files != state.files else { return false }
                state.files = files
                return true
            }
            guard isNew else { return }
            let rules = try Self.rules(files)
            state.withLock { $0.rules = rules }
            for warning in rules.warnings { logger.warning("\(warning)") }
            logger.notice(
                "the accounts were read again", metadata: ["accounts": "\(rules.accounts.count)"])
        } catch {
            let isKnown = state.withLock { state in
                defer { state.complaint = error }
                return state.complaint == error
            }
            if isKnown { return }
            logger.error(
                "the accounts stay as they were: a file of theirs is not understood",
                metadata: ["reason": "\(error)"])
        }
    }

    /// The account that signed a request and may have it carried out.
    func account(for request: borrowing Request, at time: Int64) throws(Refusal) -> Account {
        do throws(Refusal) {
            let account = try signer(of: request)
            try account.check(request)
            return account
        } catch {
            note(error, request.code, at: time)
            throw error
        }
    }

    private func signer(of request: borrowing Request) throws(Refusal) -> Account {
        guard let accessKey = request.optionalString(SignatureField.accessKey), !accessKey.isEmpty
        else { throw Refusal(.noPermission, "No accessKey is configured") }
        // Nobody is told whether it is the account that is wrong or the secret.
        guard let account = state.withLock({ $0.rules.accounts[accessKey] }),
            account.key.hasSigned(request)
        else {
            throw Refusal(.noPermission, "Check signature failed for accessKey=\(accessKey)")
        }
        return account
    }

    /// Logs a refusal, at most one a second.
    private func note(_ refusal: Refusal, _ code: RequestCode, at time: Int64) {
        let last = lastLogged.load(ordering: .relaxed)
        guard time >= last &+ 1_000 || last == .min,
            lastLogged.compareExchange(expected: last, desired: time, ordering: .relaxed).exchanged
        else {
            silent.wrappingAdd(1, ordering: .relaxed)
            return
        }
        let others = silent.exchange(0, ordering: .relaxed)
        logger.warning(
            "a request was refused",
            metadata: [
                "request": "\(code)", "reason": "\(refusal.remark)", "othersBefore": "\(others)",
            ])
    }
}
