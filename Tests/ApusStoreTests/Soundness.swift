// What `mqstore verify` says of a directory: the second opinion of tests that wrote one.

import ApusSystem
import Testing

@testable import ApusStore

/// Fails with every finding that is more than a note.
func expectSound(
    _ directory: String, indexSlots: Int32? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let files = try StoreFiles.survey(SystemDisk(), StoreDirectory(root: directory))
    let report = Verification.run(
        SystemDisk(), files, VerificationOptions(indexSlots: indexSlots))
    let words = report.findings.filter { $0.severity != .note }.map { "\($0.kind): \($0.what)" }
    #expect(words == [], sourceLocation: sourceLocation)
    #expect(report.totals.records > 0, "something was looked at", sourceLocation: sourceLocation)
}
