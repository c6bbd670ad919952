// Certificates for tests of TLS.

/// A file that `Certificates/make.sh` made.
package func certificate(_ name: String) -> String {
    let here = #filePath
    return here.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        + "/Certificates/\(name)"
}
