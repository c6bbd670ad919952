// The tool and servers that take nothing but TLS; in a build without it, what it says.

import ApusRemoting
import TestSupport
import Testing

@testable import mqadmin

@Suite("mqadmin and TLS", .timeLimit(.minutes(1))) struct TLSToolTests {
    #if TLS
        private var enforced: TLSSettings {
            var tls = TLSSettings()
            tls.server.mode = .enforcing
            tls.server.certificatePath = certificate("address.pem")
            tls.server.keyPath = certificate("address.key")
            tls.encryptsOwn = true
            tls.client.trustPath = certificate("root.pem")
            return tls
        }

        @Test("what is asked for is done over it, with NameServers and brokers")
        func done() async throws {
            try await withCluster(tls: enforced) { cluster in
                try await cluster.make("Orders")
                try await cluster.done("sendMessage", "-t", "Orders", "-p", "hello")
                let printed = try await cluster.done("printMsg", "-t", "Orders")
                #expect(printed.text.contains("hello"))
                let options = """
                    -Xmx1g -Dtls.enable=true -Dtls.client.trustCertPath=\(certificate("root.pem"))
                    """
                let run = await mqadmin(
                    ["topicList"], environment: cluster.nameServer, javaOptions: options)
                #expect(run.code == 0 && run.lines.contains("Orders"))
            }
        }

        @Test("without it the tool says that servers may take nothing else")
        func plaintext() async throws {
            try await withCluster(tls: enforced) { cluster in
                let names = await mqadmin(["topicList"], environment: cluster.nameServer)
                #expect(names.code == 2 && names.complaints.contains("it may take TLS alone"))
                let broker = await mqadmin(["brokerStatus", "-b", cluster.address])
                #expect(broker.code == 2 && broker.complaints.contains("it may take TLS alone"))
            }
        }

        @Test("a server that is not trusted is asked nothing, unless it may be anyone's")
        func untrusted() async throws {
            try await withCluster(tls: enforced) { cluster in
                let stranger = "-Dtls.client.trustCertPath=\(certificate("stranger.pem"))"
                let words = ["brokerStatus", "-b", cluster.address]
                let run = await mqadmin(["-Dtls.enable=true", stranger] + words)
                #expect(run.code == 2 && run.complaints.contains("tls.client.trustCertPath"))
                let careless = ["-Dtls.enable=true", "-Dtls.client.authServer=false", stranger]
                #expect(await mqadmin(careless + words).code == 0)
            }
        }

        @Test("files that cannot be used are named before anyone is asked")
        func files() async throws {
            let run = await mqadmin([
                "-Dtls.enable=true", "-Dtls.client.trustCertPath=/nowhere", "topicList",
            ])
            #expect(run.code == 1 && run.complaints.contains("/nowhere"))
        }
    #else
        @Test("is refused in a build without it, with how to build one")
        func notBuilt() async throws {
            let run = await mqadmin(["-Dtls.enable=true", "topicList", "-n", "127.0.0.1:1"])
            #expect(run.code == 1)
            #expect(run.complaints.contains("swift build --traits TLS"))
        }
    #endif

    @Test("words that cannot be followed are a bad command line, and help says which can")
    func words() async throws {
        let run = await mqadmin(["-Dtls.client.trustPath=x", "topicList"])
        #expect(run.code == 1 && run.complaints.contains("there is no setting"))
        let help = await mqadmin(["-Dtls.enable=true", "help"])
        #expect(help.code == 0 && help.text.contains("-Dtls.enable=true"))
    }
}
