import ArgumentParser
import ControlProtocol
import Settings
import TestSupport
import Testing

@testable import Commands

@Suite("Which hosts a command is about")
struct FleetOptionsTests {
    private static func choice(_ arguments: [String]) throws -> FleetChoice {
        let command = try MitosisCommand.parseAsRoot(["rules", "list"] + arguments)
        return try #require(command as? RulesList).fleet.choice()
    }

    private static func inventory(_ folder: TemporaryFolder) throws -> String {
        try folder.write(
            """
            version: 1
            name: hosts
            pki: {directory: ./pki, coordinator: test}
            groups:
              east: {hosts: ["z[2-3]"]}
            hosts:
              - {host: "z[1-3]", address: "198.51.100.[11-13]"}
            """,
            to: "hosts.yaml"
        )
    }

    @Test("all of a file's hosts in its order, or those that --limit names")
    func hosts() throws {
        let folder = try TemporaryFolder()
        let file = try Self.inventory(folder)
        #expect(try Self.choice([file]).hosts.map(\.description) == ["z1", "z2", "z3"])
        #expect(try Self.choice([file, "--limit", "east,!z2"]).hosts.map(\.description) == ["z3"])
    }

    @Test("a limit that matches nothing says what was meant, and which groups there are")
    func mistake() throws {
        let folder = try TemporaryFolder()
        let file = try Self.inventory(folder)
        let mistake = #expect(throws: Complaint.self) { try Self.choice([file, "--limit", "eest"]) }
        #expect(
            mistake?.description
                == "--limit: 'eest' is no host and no group, and matches none. Did you mean 'east'? Hosts and groups stand in "
                + "\(file): its groups are east"
        )
    }
}
