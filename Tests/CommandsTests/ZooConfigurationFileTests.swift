import Diagnostics
import TestSupport
import Testing

@testable import Commands

/// Which of the files that a smoke test can be given is a zoo.cfg.
@Suite("A zoo.cfg in place of a plan")
struct ZooConfigurationFileTests {
    private func servers(_ text: String) throws -> [String]? {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        return try ZooConfigurationFile(reading: try folder.write(text, to: "file"))?
            .servers(clientPort: 2181).map(\.name)
    }

    @Test(
        "one is known by its keys, however they are separated from their values",
        arguments: [
            "server.1=192.0.2.1:2888:3888\n", "  server.1 : 192.0.2.1\\:2888\\:3888\n",
            "# by hand\r\nserver.1\t192.0.2.1:2888:3888\r\n",
        ]
    )
    func known(text: String) throws {
        let servers = try #require(try servers("tickTime 2000\n" + text))
        #expect(servers == ["192.0.2.1:2181"])
    }

    @Test("a plan or an inventory is none, nor is a comment that speaks of one")
    func none() throws {
        for text in [
            "version: 1\nsource:\n  servers:\n    - {id: 1}\n", "# dataDir=/data\nname: a\n", "", "x=1\n",
        ] {
            #expect(try servers(text) == nil, "\(text)")
        }
    }
}
