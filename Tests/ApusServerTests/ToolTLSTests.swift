// What tools are told of TLS on their command lines, in JAVA_OPT and in a file.

import ApusFormat
import ApusRemoting
import ApusSystem
import TestSupport
import Testing

@testable import ApusServer

@Suite("what a tool is told of TLS") struct ToolTLSTests {
    private func reason(
        _ words: String..., options: String? = nil
    ) -> String {
        let error = #expect(throws: BadCommandLine.self) {
            try ToolTLS.read(words, javaOptions: options)
        }
        return error?.reason ?? ""
    }

    @Test("stands before the command, and nowhere else")
    func taking() {
        var words = ["-Dtls.enable=true", "-Dtls.client.authServer=false", "sendMessage", "-Dx=1"]
        #expect(
            ToolTLS.take(from: &words) == ["-Dtls.enable=true", "-Dtls.client.authServer=false"])
        #expect(words == ["sendMessage", "-Dx=1"])
    }

    @Test("is nothing at first, nor when it says that TLS is off")
    func nothing() throws {
        #expect(try ToolTLS.read([]) == TLSSettings())
        #expect(try ToolTLS.read([], javaOptions: "-Xmx1g -Dfoo=bar").own == nil)
        let off = try ToolTLS.read(["-Dtls.enable=false", "-Dtls.client.trustCertPath=ca.pem"])
        #expect(off.own == nil && off.client.trustPath == "ca.pem")
    }

    @Test("goes before JAVA_OPT, which goes before the file")
    func order() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/tls.properties"
        let text = """
            tls.enable=false
            tls.client.trustCertPath=of-the-file
            tls.client.certPath=cert-of-the-file
            tls.client.keyPath=key-of-the-file
            tls.server.mode=enforcing
            something.else=1
            """
        let file = try SystemDisk().open(path, .createEmpty)
        try file.write(Array(text.utf8).rawSpan, at: 0)
        file.close()
        let found = try ToolTLS.read(
            ["-Dtls.client.certPath=of-the-words"],
            javaOptions: "-Xms1g -Dtls.config.file=\(path) -Dtls.enable=false"
                + " -Dtls.client.certPath=of-the-options -Dtls.client.keyPath=of-the-options")
        #expect(found.client.trustPath == "of-the-file")
        #expect(found.client.keyPath == "of-the-options")
        #expect(found.client.certificatePath == "of-the-words")
        #expect(found.server.mode == .enforcing)
    }

    @Test("is refused where it cannot be followed, with what to write")
    func refused() throws {
        #expect(reason("-Dtls.enable").contains("-Dtls.enable=true"))
        #expect(reason("-Dtls.enable=perhaps").contains("tls.enable: perhaps"))
        #expect(reason("-Dtls.client.trustcertpath=x").contains("tls.client.trustcertpath"))
        #expect(reason("-Dfoo=bar").contains("there is no setting foo"))
        #expect(reason("-Dtls.config.file=/nowhere").contains("there is no /nowhere"))
        // Asked for in part only, it would be plaintext.
        let silent = reason(options: "-Dtls.client.trustCertPath=ca.pem")
        #expect(silent.contains("add -Dtls.enable=true"))
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/tls.properties"
        let file = try SystemDisk().open(path, .createEmpty)
        try file.write(Array("\ntls.client.nothing=1".utf8).rawSpan, at: 0)
        file.close()
        #expect(reason("-Dtls.config.file=\(path)").hasPrefix("\(path):2: there is no setting"))
    }

    #if TLS
        @Test("is refused where a certificate has no key")
        func halves() {
            let reason = reason("-Dtls.enable=true", "-Dtls.client.certPath=x")
            #expect(reason == "tls.client.certPath: certificate and key come together")
        }
    #else
        @Test("is refused in a build without TLS, with how to build one")
        func notBuilt() {
            let reason = reason("-Dtls.enable=true")
            #expect(reason.contains("swift build --traits TLS"))
        }
    #endif
}
