// TLS as RocketMQ's tools are told of it: properties of Java's system, which stand before the
// command or in JAVA_OPT, and the file that `tls.config.file` names.

package import ApusRemoting
package import ApusSystem

/// Reads what a tool that asks servers is told of TLS.
package enum ToolTLS {
    private static let file = "tls.config.file"
    private static let mark = "-D"

    /// Takes the words that begin with `-D` off the beginning of a command line.
    package static func take(from words: inout [String]) -> [String] {
        let properties = words.prefix { $0.hasPrefix(mark) }
        words.removeFirst(properties.count)
        return Array(properties)
    }

    /// `javaOptions` is what stands in JAVA_OPT; what is not about TLS there is for a JVM. `words`
    /// go before it, and both before the file. Files of certificates are not looked at.
    package static func read(
        _ words: [String], javaOptions: String? = nil, disk: any Disk = SystemDisk()
    ) throws(BadCommandLine) -> TLSSettings {
        let options = (javaOptions ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
        var given: [(key: String, value: String)] = []
        for word in options.filter({ $0.hasPrefix("\(mark)tls.") }) + words {
            given.append(try divide(word))
        }
        var settings = TLSSettings()
        if let path = given.last(where: { $0.key == file })?.value {
            for entry in try entries(of: path, disk) where entry.key.hasPrefix("tls.") {
                try set(entry.key, entry.value, in: &settings, "\(path):\(entry.line): ")
            }
        }
        for (key, value) in given where key != file { try set(key, value, in: &settings) }
        let isSilent = !given.contains { $0.key == "tls.enable" }
        if isSilent, !settings.encryptsOwn, settings.client != ClientTLS() {
            throw BadCommandLine(
                reason: "there are settings of TLS, and it is off: add -Dtls.enable=true, or false")
        }
        if let problem = settings.own?.problem { throw BadCommandLine(reason: "\(problem)") }
        return settings
    }

    private static func divide(_ word: String) throws(BadCommandLine) -> (String, String) {
        let text = word.dropFirst(mark.count)
        guard let sign = text.firstIndex(of: "=") else {
            throw BadCommandLine(reason: "\(word) has no value: write -Dtls.enable=true")
        }
        return (String(text[..<sign]), String(text[text.index(after: sign)...]))
    }

    private static func set(
        _ name: String, _ value: String, in settings: inout TLSSettings, _ place: String = ""
    ) throws(BadCommandLine) {
        guard name != file, let key = TLSKey.all.first(where: { $0.name == name }) else {
            throw BadCommandLine(
                reason: "\(place)there is no setting \(name): see tls.enable and tls.client.…")
        }
        if let reason = key.set(value, in: &settings) {
            throw BadCommandLine(reason: "\(place)\(name): \(reason)")
        }
    }

    private static func entries(
        of path: String, _ disk: any Disk
    ) throws(BadCommandLine) -> [JavaProperties.Entry] {
        let bytes: [UInt8]?
        do throws(DiskError) { bytes = try disk.contents(of: path, limit: 1 << 20) } catch {
            throw BadCommandLine(reason: "\(file): \(path) cannot be read: \(error)")
        }
        guard let bytes else { throw BadCommandLine(reason: "\(file): there is no \(path)") }
        do throws(JavaPropertiesError) {
            return try JavaProperties(parsing: bytes).entries
        } catch {
            throw BadCommandLine(reason: "\(path):\(error.line): \(error.reason)")
        }
    }
}
