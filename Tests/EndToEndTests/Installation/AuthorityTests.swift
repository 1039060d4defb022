import FoundationEssentials
import LabKit
import Testing

/// The built-in authority, by the commands of certs/README.md; what they made is looked at with openssl(1).
@Suite("The authority's commands", .countingIssues, .hangLimit)
struct AuthorityTests {
    @Test("as the page has them, word for word: names, lifetimes, modes, what is listed, numbers of lists")
    func readme() async throws {
        try await AuthorityDesk.with { desk in
            let commands = try AuthorityDesk.documented()
            try #require(commands.count == 8, "\(commands)")
            var said: [String: String] = [:]
            for command in commands {
                let outcome = try await desk.types(command)
                try #require(outcome.succeeded, "\(command): \(outcome.diagnostics)")
                said[command.split(separator: " ").dropFirst(2).prefix(2).joined(separator: " ")] =
                    outcome.output
            }
            #expect(said["init --trust-domain"]?.hasPrefix("authority of mitosis: pki/ca.pem\n") == true)
            #expect(try await desk.names("ca.pem") == ["URI:spiffe://mitosis"])
            #expect(
                try await desk.names("agents/s1.pem") == [
                    "URI:spiffe://mitosis/agent/s1", "DNS:s1", "IP Address:198.51.100.1",
                ]
            )
            let agents = (1...9).map { "zk\($0)" } + ["k1", "k2", "s1"]
            let files = agents.flatMap { ["\($0).pem", "\($0).key"] }
            #expect(try Folder.entries(desk.folder + "/pki/agents").sorted() == files.sorted())
            for (file, days) in [("agents/k1", 730), ("coordinators/ops", 365), ("viewers/grafana", 90)] {
                #expect(try await desk.lasts(file + ".pem", days: days), "\(file)")
            }
            #expect(
                try await desk.modes() == [
                    "700 pki", "644 pki/ca.pem", "600 pki/ca.key", "644 pki/ca.crl", "644 pki/agents/s1.pem",
                    "600 pki/agents/s1.key", "600 pki/index.tsv", "600 pki/lock", "700 pki/agents",
                ]
            )
            let rows = try #require(said["list"]).split(separator: "\n").map(String.init)
            #expect(rows.count == 15 && rows[0].hasPrefix("NAME"), "\(rows)")
            #expect(rows.dropFirst().allSatisfy { $0.hasSuffix("valid") }, "\(rows)")

            let revoked = try #require(said["revoke coordinator/ops"])
            let serial = try #require(
                revoked.prefixMatch(of: /revoked coordinator\/ops, serial ([0-9a-f]+)\n/)?.1,
                "\(revoked)"
            )
            let listed = try await desk.types("mitosis pki list").output
            let row = try #require(listed.split(separator: "\n").first { $0.contains(serial) })
            #expect(row.contains(#/^ops +coordinator .* revoked /#), "\(row)")
            // Its first has number 1, the revocation and the relisting each the next.
            #expect(said["relist"] == "revocation list number 3: pki/ca.crl\n")
            let list = try await desk.list()
            #expect(list.contains(#/X509v3 CRL Number:\s+3\n/#), "\(list)")
            #expect(list.contains("Serial Number: \(serial.uppercased())\n"), "\(list)")

            // What came back from a backup goes on above the number that a refusal names.
            let above = try await desk.types("mitosis pki relist --above 40")
            #expect(above.output == "revocation list number 41: pki/ca.crl\n", "\(above.diagnostics)")
            #expect(try await desk.list().contains(#/X509v3 CRL Number:\s+41\n/#))
            try await Self.refusals(desk)
        }
    }

    private static func refusals(_ desk: AuthorityDesk) async throws {
        let before = try await desk.digests()
        for (command, status, reason) in [
            ("init", 1, "pki already holds an authority"),
            ("issue viewer grafana", 1, "pki/viewers/grafana.key exists and is never overwritten"),
            ("issue viewer x --days 0", 64, "--days is from 1 to 3650"),
            ("issue agent a b --san 198.51.100.9", 64, "--san is for one host"),
            ("init --trust-domain No_Such --directory other", 1, "'No_Such' is no trust domain"),
            ("revoke coordinator/nobody", 1, "no certificate is named 'coordinator/nobody'"),
            ("relist --above many", 1, "--above 'many' is no number of a revocation list"),
        ] {
            let outcome = try await desk.types("mitosis pki " + command)
            #expect(outcome.status == status && outcome.errors.contains(reason), "\(command): \(outcome)")
        }
        #expect(try await desk.digests() == before)
    }

    @Test("another trust domain is in every certificate of its authority, and in no other's")
    func trustDomain() async throws {
        try await AuthorityDesk.with { desk in
            for command in ["init --trust-domain payments", "issue agent s1"] {
                let outcome = try await desk.types("mitosis pki " + command)
                try #require(outcome.succeeded, "\(command): \(outcome.diagnostics)")
            }
            #expect(try await desk.names("ca.pem") == ["URI:spiffe://payments"])
            #expect(try await desk.names("agents/s1.pem").first == "URI:spiffe://payments/agent/s1")
        }
    }
}

/// The folder in which somebody types the commands.
private struct AuthorityDesk {
    let folder: String
    let programs: String

    static func with(_ body: (AuthorityDesk) async throws -> Void) async throws {
        let desk = AuthorityDesk(
            folder: "/tmp/mitosis-authority-\(UInt32.random(in: 0 ... .max))",
            programs: try Binaries.find().directory
        )
        try Folder.make(desk.folder)
        defer {
            do { try FileManager.default.removeItem(atPath: desk.folder) } catch { Issue.record(error) }
        }
        try await body(desk)
    }

    /// The commands of "With the built-in authority", without their remarks.
    static func documented() throws -> [String] {
        let page = try Folder.read(BuiltPackages.root + "/certs/README.md")
        let section = try #require(page.components(separatedBy: "## With the built-in authority").last)
        let block = try #require(section.components(separatedBy: "```").dropFirst().first)
        return block.split(separator: "\n").map { $0.components(separatedBy: " #")[0] }
    }

    func types(_ line: String) async throws -> Tool.Outcome {
        let path = "PATH=\(programs):/usr/bin:/bin"
        return try await Tool(["/usr/bin/env", "-C", folder, path, "/bin/sh", "-c", line]).outcome()
    }

    private func openssl(_ arguments: String...) async throws -> Tool.Outcome {
        try await Tool(["/usr/bin/env", "-C", folder + "/pki", "/usr/bin/openssl"] + arguments).outcome()
    }

    /// A certificate's alternative names.
    func names(_ file: String) async throws -> [String] {
        let told = try await openssl("x509", "-in", file, "-noout", "-ext", "subjectAltName")
        let line = try #require(told.output.split(separator: "\n").last, "\(told.diagnostics)")
        return line.components(separatedBy: ", ").map { name in String(name.drop { $0 == " " }) }
    }

    /// To the day, from now on.
    func lasts(_ file: String, days: Int) async throws -> Bool {
        let within = try await openssl("x509", "-in", file, "-noout", "-checkend", "\((days - 1) * 86400)")
        let beyond = try await openssl("x509", "-in", file, "-noout", "-checkend", "\((days + 1) * 86400)")
        return within.status == 0 && beyond.status == 1
    }

    func list() async throws -> String {
        try await openssl("crl", "-in", "ca.crl", "-noout", "-text").output
    }

    /// In the order of the page's table.
    func modes() async throws -> [String] {
        let files = [
            "", "/ca.pem", "/ca.key", "/ca.crl", "/agents/s1.pem", "/agents/s1.key", "/index.tsv", "/lock",
            "/agents",
        ]
        let told = try await types("stat -c '%a %n' " + files.map { "pki" + $0 }.joined(separator: " "))
        return told.output.split(separator: "\n").map(String.init)
    }

    func digests() async throws -> String {
        try await types("find . -type f -not -name lock | sort | xargs sha256sum").output
    }
}
