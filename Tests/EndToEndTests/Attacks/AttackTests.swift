import FoundationEssentials
import Glibc
import LabKit
import Testing

/// What an attack on the programs of commit a3e39c2 brought down, and what must stand since.
///
/// The other kinds have suites of their own: floods `make bench-hostile`, the terminal `HostileHostTests`, secrets
/// `ViewerTests`, links `LinkOwnerTests` and `LinkRaceTests`, source ports `FirewallSourcePortTests`.
@Suite(
    "Attacks on the programs",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "namespaces need root")
)
struct AttackTests {
    private static let endOfType = "18446744073709551615"

    @Test("an absurd lease file is named, and ends no agent by a trap", .hangLimit)
    func absurdLease() async throws {
        try await AttackBench.with { bench in
            try Folder.write(
                #"{"latest":{"epoch":\#(Self.endOfType),"runID":"x"},"current":{"expiresAt":9223372036854775807,"#
                    + #""holder":"x","secondsToLive":9223372036854775807}}"# + "\n",
                to: bench.state + "/lease.json"
            )
            let agent = try bench.start()
            // Either is right, to serve or to refuse by name; a signal is not.
            let ended = await agent.isGone(within: .seconds(5))
            let said = try Folder.read(bench.log)
            if !ended { try await agent.end(grace: .seconds(20)) }
            #expect(said.contains("lease.json") || said.contains("listening"), "\(said.suffix(800))")
            #expect(!said.contains("Fatal error") && !said.contains("Crash"), "\(said.suffix(800))")
        }
    }

    @Test("numbers at the end of their type in a status end no coordinator", .hangLimit)
    func lyingStatus() async throws {
        try await AttackBench.with { bench in
            var honest = ""
            let configuration = bench.folder + "/zoo.cfg"
            try Folder.write(
                "dataDir=\(bench.folder)/data\nclientPort=2181\ntickTime=2000\n",
                to: configuration
            )
            try await bench.serving(status: ["/bin/sh", "-c", "exit 3"], zooKeeper: configuration) {
                try await bench.lease(epoch: 7)
                honest = try await bench.curl("/v1/status", as: "coordinators/ops").body
            }
            let plan = try bench.plan()
            try await bench.lying(honest) { try await bench.mitosis(["status", plan]) }
            for (field, value) in Self.numbers(honest) {
                // A cleaning tries for long what does not answer as it should; it reckons with the epoch alone.
                let clean = field == "highestEpoch" ? [["rules", "clean", plan, "--force"]] : []
                let commands = [["status", plan]] + clean
                for end in [Self.endOfType, "9223372036854775807"] {
                    let absurd = honest.replacing("\"\(field)\":\(value)", with: "\"\(field)\":\(end)")
                    try #require(absurd != honest)
                    try await bench.lying(absurd) {
                        for arguments in commands {
                            let outcome = try await bench.mitosis(arguments, succeeding: false)
                            let said = outcome.diagnostics.suffix(300)
                            #expect(outcome.status < 128, "\(field) \(end): \(arguments[0]): \(said)")
                        }
                    }
                }
            }
        }
    }

    /// The fields of a status that hold numbers, each once, with what the first of them holds.
    private static func numbers(_ status: String) -> [(String, String)] {
        var found: [(String, String)] = []
        for match in status.matches(of: /"([A-Za-z]+)":(\d+)/)
        where !found.contains(where: { $0.0 == match.1 }) {
            found.append((String(match.1), String(match.2)))
        }
        return found
    }

    @Test("a revocation takes effect although the agent's own key has a wrong mode", .hangLimit)
    func revokedBesideWrongKey() async throws {
        try await AttackBench.with { bench in
            try await bench.serving {
                let before = try await bench.curl("/v1/status", as: "viewers/eve")
                try #require(before.code == "200", "\(before)")
                try #require(chmod(bench.pki + "/agents/h1.key", 0o644) == 0)
                try await bench.mitosis(["pki", "revoke", "viewer/eve", "--directory", bench.pki])
                let isRefused = try await bench.isRefused("viewers/eve", within: .seconds(20))
                #expect(isRefused, "the revoked viewer is still let in")
            }
        }
    }

    @Test(
        "an older list does not take a revocation back, nor does a restart with it",
        .hangLimit
    )
    func olderList() async throws {
        try await AttackBench.with { bench in
            let list = bench.pki + "/ca.crl"
            let older = try Folder.read(list)
            try await bench.serving {
                try await bench.mitosis(["pki", "revoke", "viewer/eve", "--directory", bench.pki])
                let isRefused = try await bench.isRefused("viewers/eve", within: .seconds(20))
                try #require(isRefused)
                try Folder.write(older, to: list)
                // Several looks at the files, which come with connections.
                for _ in 0..<5 {
                    let answer = try await bench.curl("/v1/status", as: "viewers/eve")
                    #expect(answer.code != "200")
                    try await Task.sleep(for: .milliseconds(500))
                }
            }
            try Folder.write(older, to: list)
            let again = try bench.start()
            let ended = await again.isGone(within: .seconds(3))
            let answer = ended ? nil : try await bench.curl("/v1/status", as: "viewers/eve")
            if !ended { try await again.end(grace: .seconds(20)) }
            #expect(answer?.code != "200", "taken again after a restart with the older list")

            // The refusal names the number above which a list is taken.
            let said = try Folder.read(bench.log)
            let seen = try #require(
                said.matches(of: /older than number (\d+), which was in force here/).last?.1,
                "\(said.suffix(800))"
            )
            try await bench.mitosis(["pki", "relist", "--above", String(seen), "--directory", bench.pki])
            try await bench.serving {
                let isRefused = try await bench.isRefused("viewers/eve", within: .seconds(20))
                #expect(isRefused, "the revoked viewer is let in with the new list")
            }
        }
    }

    @Test("abandoned slow commands do not keep a wall from being removed", .hangLimit)
    func abandoned() async throws {
        try await AttackBench.with { bench in
            try await bench.serving(status: ["/bin/sleep", "2"]) {
                try await bench.lease(epoch: 1)
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<60 {
                        group.addTask {
                            let slow = #"{"service":{"request":{"service":"slow","action":"restart"}}}"#
                            do {
                                _ = try await bench.command("slow-\(number)", slow, epoch: 1, seconds: 1)
                            } catch {
                                Issue.record(error)
                            }
                        }
                    }
                }
                let answer = try await bench.command("undo", #"{"removeWall":{}}"#, epoch: 1, seconds: 25)
                #expect(answer.code == "200" && answer.body.contains(#"{"done":"#), "\(answer)")
            }
        }
    }

    @Test("a flipped bit in the record of commands is no outcome", .hangLimit)
    func flippedBit() async throws {
        try await AttackBench.with { bench in
            let record = bench.state + "/commands.jsonl"
            try await bench.serving {
                try await bench.lease(epoch: 1)
                let done = try await bench.command("kept", #"{"removeWall":{}}"#, epoch: 1)
                try #require(done.code == "200", "\(done)")
            }
            let text = try Folder.read(record)
            let flipped = text.replacing("\"rules\":[]", with: "\"rules\":[{}]").replacing(
                "kept",
                with: "keqt"
            )
            try #require(flipped != text)
            try Folder.write(flipped, to: record)
            try await bench.serving {
                let stored = try await bench.curl("/v1/commands/keqt", as: "coordinators/ops")
                #expect(stored.code != "200", "\(stored)")
                let status = try await bench.curl("/v1/status", as: "coordinators/ops")
                #expect(status.body.contains("commands.jsonl"), "\(status.body.prefix(1000))")
            }
        }
    }

    @Test("a snapshot that unpacks to gigabytes is named", .hangLimit)
    func bomb() async throws {
        try await AttackBench.with { bench in
            let data = bench.folder + "/data"
            try FileManager.default.createDirectory(
                atPath: data + "/version-2",
                withIntermediateDirectories: true
            )
            let configuration = bench.folder + "/zoo.cfg"
            try Folder.write("dataDir=\(data)\nclientPort=2181\ntickTime=2000\n", to: configuration)
            _ = try await Tool(["/usr/bin/python3", "-c", Self.bomb, data + "/version-2/snapshot.20.gz"])
                .output(step: "packing zeros")
            try await bench.serving(status: ["/bin/sh", "-c", "exit 3"], zooKeeper: configuration) {
                let deadline = ContinuousClock.now + .seconds(90)
                var body = ""
                while ContinuousClock.now < deadline {
                    body = try await bench.curl("/v1/status", as: "coordinators/ops").body
                    if body.contains("unpacks to more than") { return }
                }
                Issue.record("not named for what it is: \(body.prefix(1500))")
            }
        }
    }

    private static let bomb = """
        import sys, zlib
        c = zlib.compressobj(6, zlib.DEFLATED, -15)
        with open(sys.argv[1], "wb") as f:
            f.write(bytes([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]) + c.compress(b"ZKSN" + bytes(12)))
            f.write(c.flush(zlib.Z_FULL_FLUSH))
            f.write((c.compress(bytes(1 << 20)) + c.flush(zlib.Z_FULL_FLUSH)) * 8192)
            f.write(c.flush() + bytes(8))
        """

    @Test(
        "every request but looks at the status leaves a line: who, what, from where, allowed or not",
        .hangLimit
    )
    func audit() async throws {
        try await AttackBench.with { bench in
            try await bench.serving {
                try await bench.lease(epoch: 1)
                _ = try await bench.command("a", #"{"removeWall":{}}"#, epoch: 1)
                for identity in ["viewers/eve", "coordinators/ops"] {
                    _ = try await bench.curl(
                        "/v1/read/file",
                        as: identity,
                        posting: #"{"path":"/etc/shadow"}"#
                    )
                }
                _ = try await bench.curl("/v1/commands", as: "viewers/eve", posting: "{}")
            }
            var lines: [String] = []
            for name in try FileManager.default.contentsOfDirectory(atPath: bench.state)
            where name.hasPrefix("audit") {
                lines += try Folder.read(bench.state + "/" + name).split(separator: "\n").map(String.init)
            }
            #expect(lines.count { $0.contains("viewer/eve") } >= 2, "\(lines)")
            #expect(lines.count { $0.contains("coordinator/ops") } >= 3, "\(lines)")
        }
    }
}

extension AttackBench {
    /// Whether the identity is turned away within this time: files are looked at again with connections.
    func isRefused(_ identity: String, within patience: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline {
            if try await curl("/v1/status", as: identity).code != "200" { return true }
            try await Task.sleep(for: .milliseconds(200))
        }
        return false
    }
}
