// A directory of a test's own, gone when the test is.

import Foundation

/// A fresh directory that is removed with the object.
public final class TemporaryDirectory: Sendable {
    public let path: String

    /// `parent`: where to make it, when not where temporary files go.
    public init(in parent: String? = nil) throws {
        let url = (parent.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory)
            .appending(path: "apus-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path()
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
