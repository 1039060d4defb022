import FoundationEssentials
import Glibc
import LabKit
import Testing

/// What becomes of the copies on both sides after a run.
@Suite(
    "Old copies are sealed, opened again, removed and restored",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct OldCopyTests {
    /// A client that knows nothing of this program.
    private static let program = """
        import json, os, sqlite3, sys
        from kazoo.client import KazooClient
        from kazoo.exceptions import NoAuthError
        from kazoo.security import make_acl, make_digest_acl, OPEN_ACL_UNSAFE
        verb, where = sys.argv[1:3]
        if verb == "count":
            database = sqlite3.connect("file:%s?mode=rw" % where, uri=True, timeout=10)
            print(database.execute("SELECT COUNT(*) FROM node WHERE state = ?", (sys.argv[3],)).fetchone()[0])
            sys.exit()
        client = KazooClient(hosts=where, timeout=12 if verb == "leave" else 18, auth_data=[("digest", "admin:secret")])
        client.start()
        def walk(path):
            yield path
            for name in sorted(client.get_children(path)):
                if name != "mitosis-moved":
                    yield from walk(path + "/" + name)
        if verb == "fill":
            closed = [make_digest_acl("admin", "secret", all=True)]
            mixed = closed + [make_acl("world", "anyone", read=True)]
            for tree in ("/app", "/tenant"):
                for d in range(30):
                    made = []
                    client.ensure_path("%s/d%d" % (tree, d))
                    for n in range(40):
                        acl = {3: closed, 7: mixed}.get(n, OPEN_ACL_UNSAFE)
                        made.append(client.create_async("%s/d%d/n%d" % (tree, d, n), b"%d" % n, acl=acl))
                    for each in made:
                        each.get()
        elif verb == "acls":
            found = {}
            for path in walk(sys.argv[3]):
                acls, stat = client.get_acls(path)
                found[path] = sorted([a.perms, a.id.scheme, a.id.id] for a in acls)
            print(json.dumps(found, sort_keys=True))
        elif verb == "nodes":
            print(json.dumps({path: client.get(path)[0].decode() for path in walk(sys.argv[3])}, sort_keys=True))
        elif verb == "leave":
            # Without a word: its session stays until its time is over.
            client.create(sys.argv[3], ephemeral=True)
            os._exit(0)
        elif verb == "make":
            client.create(sys.argv[3], b"")
        elif verb == "top":
            print(" ".join(sorted(client.get_children("/"))))
        elif verb == "write":
            for name, act in (
                ("set", lambda: client.set("/app/d1/n1", b"late")),
                ("create", lambda: client.create("/app/d1/late", b"")),
                ("register", lambda: client.create("/app/lock", ephemeral=True)),
                ("delete", lambda: client.delete("/app/d1/n1")),
                ("admin", lambda: client.set_acls("/app/d1/n3", OPEN_ACL_UNSAFE)),
                ("tenant", lambda: client.set("/tenant/d1/n1", b"1")),
                ("read", lambda: client.get("/app/d1/n1")),
                ("note", lambda: client.get("/app/mitosis-moved")),
            ):
                try:
                    act()
                    print(name, "done")
                except NoAuthError:
                    print(name, "refused")
        client.stop()
        """

    private struct Client {
        let lab: Lab
        var source: String { lab.configuration.sourceHosts.map(\.clientAddress).joined(separator: ",") }
        var destination: String {
            lab.configuration.destinationHosts.map(\.clientAddress).joined(separator: ",")
        }

        func ask(_ arguments: String...) async throws -> String {
            let argv = ["/usr/bin/python3", "-c", OldCopyTests.program] + arguments
            let outcome = try await lab.run(argv, on: lab.configuration.client)
            try #require(outcome.succeeded, "\(arguments): \(outcome.diagnostics)")
            return outcome.output
        }

        /// Waits until so many nodes of a file are in a state.
        func wait(for count: Int, _ state: String, in file: String, log: String) async throws {
            let deadline = ContinuousClock.now + .seconds(60)
            while true {
                // Not there yet, or without its tables.
                let asked = try await lab.run(
                    ["/usr/bin/python3", "-c", OldCopyTests.program, "count", file, state],
                    on: lab.configuration.client
                )
                if asked.succeeded, Int(asked.output.filter(\.isNumber)) ?? 0 >= count { return }
                try #require(ContinuousClock.now < deadline, "see \(log)")
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    @Test(
        "sealed, killed, sealed, opened; sealed again, removed on both sides, killed in between; restored",
        .hangLimit
    )
    func oldCopies() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let client = Client(lab: lab)
            let auth = lab.layout.control + "/auth"
            try Folder.write("admin:secret\n", to: auth)
            try #require(chmod(auth, 0o600) == 0)
            _ = try Bench(lab: lab).addToPlan {
                $0 + "\ntrees: [/app]\nauth: {scheme: digest, file: \(auth)}\n"
            }
            _ = try await client.ask("fill", client.source)
            let plan = lab.layout.plan
            let early = try await coordinator.perform(["seal", plan, "--yes"])
            #expect(early.status != 0 && early.errors.contains("run"), "\(early.diagnostics)")
            let run = try await coordinator.run()
            try #require(run.succeeded, "\(run.diagnostics)")

            try await compare(coordinator, client, auth)
            try await judge(coordinator, client, auth)
            let before = try await client.ask("acls", client.source, "/app")
            let tenant = try await client.ask("nodes", client.source, "/tenant")
            try await seal(coordinator, client)
            let said = try await client.ask("write", client.source)
            #expect(
                said.split(separator: "\n") == [
                    "set refused", "create refused", "register refused", "delete refused", "admin refused",
                    "tenant done", "read done", "note done",
                ],
                "\(said)"
            )
            #expect(try await client.ask("acls", client.source, "/app") != before)

            let opened = try await coordinator.perform(["seal", plan, "--unseal", "--yes"])
            #expect(opened.status == 0, "\(opened.diagnostics)")
            #expect(try await client.ask("acls", client.source, "/app") == before)
            let again = try await coordinator.perform(["seal", plan, "--yes"])
            #expect(again.status == 0, "\(again.diagnostics)")

            let copy = try await client.ask("nodes", client.source, "/app")
            let backup = try await retire("source", "1231", coordinator, client)
            #expect(try await !client.ask("top", client.source).contains("app"))
            #expect(try await client.ask("nodes", client.source, "/tenant") == tenant)
            #expect(try await client.ask("nodes", client.destination, "/app") == copy)
            // What it did there itself is nobody's split.
            let writes = try await coordinator.perform(["clients", plan])
            #expect(
                writes.status == 0
                    && writes.output.contains("by mitosis retire, mitosis seal, mitosis seal --unseal"),
                "\(writes.diagnostics)"
            )
            try await outlast("/tenant/lock", coordinator, client)
            _ = try await retire("destination", nil, coordinator, client)
            #expect(try await client.ask("top", client.destination) == "app zookeeper\n")
            #expect(try await client.ask("nodes", client.destination, "/app") == copy)

            let restored = try await coordinator.perform([
                "restore-tree", backup, "--servers", client.source, "--yes", "--auth-file", auth,
            ])
            #expect(restored.status == 0, "\(restored.diagnostics)")
            #expect(try await client.ask("acls", client.source, "/app") == before)
            // All but what the note of the seal that was taken off has counted.
            let compared = try await coordinator.perform(["compare", plan, "--path", "/app", "--restored"])
            #expect(compared.status == 1 && compared.output.contains("1231 nodes"), "\(compared.diagnostics)")
            #expect(compared.output.contains("DIFFERENT: 1 differences"), "\(compared.diagnostics)")
            #expect(compared.output.contains("; sequence counter: 30, against 31"), "\(compared.diagnostics)")
            // And beside it, at another place.
            let beside = try await coordinator.perform([
                "restore-tree", backup, "--servers", client.source, "--at", "/beside", "--yes", "--auth-file",
                auth,
            ])
            #expect(beside.status == 0, "\(beside.diagnostics)")
            let moved = try await client.ask("nodes", client.source, "/beside/app")
            #expect(moved.replacing("/beside/app", with: "/app") == copy)
        }
    }

    /// Servers of both sides in place of a plan's: equal; what may not be read is named, and is no equality.
    private func compare(_ coordinator: Coordinator, _ client: Client, _ auth: String) async throws {
        let ask = [
            "compare", "--source", client.source, "--destination", client.destination, "--path", "/app",
        ]
        let equal = try await coordinator.perform(ask + ["--auth-file", auth])
        #expect(
            equal.status == 0 && equal.output.contains("1231 nodes from /app on, on ")
                && equal.output.hasSuffix("equal\n"),
            "\(equal.diagnostics)"
        )
        let closed = try await coordinator.perform(ask)
        #expect(closed.status == 2 && closed.output.contains("NOT DECIDED"), "\(closed.diagnostics)")
        #expect(
            closed.output.split(separator: "\n").contains {
                $0.hasPrefix("not judged  /app/d0/n3  ") && $0.contains("NoAuth")
            },
            "\(closed.diagnostics)"
        )
    }

    /// What is newer on the destination differs or not, as is said; what is left out does not.
    private func judge(_ coordinator: Coordinator, _ client: Client, _ auth: String) async throws {
        let report = try await coordinator.perform(["report", coordinator.lab.layout.plan, "--json"])
        let split = try #require(report.output.firstMatch(of: /"split" : "(0x[0-9a-f]+)"/)?.output.1)
        _ = try await client.ask("make", client.destination, "/tenant/d1/later")
        let ask = [
            "compare", "--source", client.source, "--destination", client.destination, "--auth-file", auth,
        ]
        for (options, status) in [
            (["--path", "/tenant", "--split", String(split)], 0),
            // As if the node had been made before the division.
            (["--path", "/tenant", "--split", "0xffffffffffff"], 1),
            (["--path", "/tenant", "--exact"], 1),
            (["--path", "/tenant", "--exact", "--except", "/tenant/d1"], 0),
        ] {
            let outcome = try await coordinator.perform(ask + options)
            #expect(outcome.status == status, "\(options): \(outcome.diagnostics)")
            #expect(
                outcome.output.contains("  /tenant/d1/later  ") == (status == 1),
                "\(options): \(outcome.output)"
            )
        }
        let began = ContinuousClock.now
        let slow = try await coordinator.perform(ask + ["--path", "/app", "--rate", "400"])
        #expect(slow.status == 0 && slow.output.contains("1231 nodes"), "\(slow.diagnostics)")
        #expect(ContinuousClock.now - began >= .seconds(2), "1,231 nodes at 400 a second")
    }

    private func start(_ arguments: [String], log: String, in lab: Lab) throws -> ProcessRecord {
        try Launcher(namespace: lab.namespace(of: lab.configuration.control), log: log)
            .launch([lab.binaries.coordinator] + arguments)
    }

    /// Killed in the middle, and begun again.
    private func seal(_ coordinator: Coordinator, _ client: Client) async throws {
        let lab = coordinator.lab
        let log = lab.layout.control + "/seal.log"
        let killed = try start(
            ["seal", lab.layout.plan, "--yes", "--nodes-per-second", "200"],
            log: log,
            in: lab
        )
        let found = {
            try Folder.entries(lab.layout.control).first { $0.hasPrefix("seal-") && $0.hasSuffix(".sqlite") }
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while try found() == nil {
            try #require(ContinuousClock.now < deadline, "see \(log)")
            try await Task.sleep(for: .milliseconds(50))
        }
        let file = lab.layout.control + "/" + (try found() ?? "")
        try await client.wait(for: 100, "sealed", in: file, log: log)
        killed.signal(SIGKILL)
        try #require(await killed.isGone(within: .seconds(30)))
        let lines = try await client.ask("count", file, "found")
        #expect(Int(lines.filter(\.isNumber)) ?? 0 > 100, "killed too late to mean anything")
        let sealed = try await coordinator.perform(["seal", lab.layout.plan, "--yes"])
        #expect(
            sealed.status == 0 && sealed.output.contains("1231 nodes are sealed"),
            "\(sealed.diagnostics)"
        )
    }

    /// A session that nobody uses any more is a refusal, and is waited for when asked to.
    private func outlast(_ path: String, _ coordinator: Coordinator, _ client: Client) async throws {
        _ = try await client.ask("leave", client.destination, path)
        let ask = ["retire", coordinator.lab.layout.plan, "--side", "destination"]
        let refused = try await coordinator.perform(ask + ["--expect", "7", "--yes"])
        #expect(
            refused.status != 0 && refused.errors.contains("owns \(path): it ")
                && refused.errors.contains("--wait 60"),
            "\(refused.diagnostics)"
        )
        let waited = try await coordinator.perform(ask + ["--wait", "60"])
        #expect(
            waited.status == 0 && waited.output.contains("waiting for 1 sessions to end, 60 s at most")
                && !waited.output.contains("are ephemeral"),
            "\(waited.diagnostics)"
        )
    }

    /// Looked at, refused, begun, killed, and begun again.
    ///
    /// - Returns: the backup.
    private func retire(
        _ side: String,
        _ expected: String?,
        _ coordinator: Coordinator,
        _ client: Client
    ) async throws -> String {
        let lab = coordinator.lab
        let ask = ["retire", lab.layout.plan, "--side", side]
        let dry = try await coordinator.perform(ask)
        #expect(dry.status == 0 && dry.output.contains("Nothing was changed"), "\(dry.diagnostics)")
        let number =
            dry.output.split(separator: "\n").last.map { String($0.split(separator: " ").last ?? "") } ?? ""
        if let expected { #expect(number == expected, "\(dry.output)") }
        let other = try await coordinator.perform(ask + ["--expect", "7", "--yes", "--quiet-for", "0s"])
        #expect(other.status != 0 && other.errors.contains("Nothing was changed"), "\(other.diagnostics)")
        let lately = try await coordinator.perform(ask + ["--expect", number, "--yes"])
        #expect(lately.status != 0 && lately.errors.contains("--quiet-for"), "\(lately.diagnostics)")

        let backup = lab.layout.control + "/\(side).sqlite"
        let log = lab.layout.control + "/retire-\(side).log"
        let real = ask + ["--expect", number, "--yes", "--quiet-for", "0s", "--backup", backup]
        let killed = try start(real + ["--nodes-per-second", "200"], log: log, in: lab)
        try await client.wait(for: 100, "removed", in: backup, log: log)
        killed.signal(SIGKILL)
        try #require(await killed.isGone(within: .seconds(30)))
        let kept = try await client.ask("count", backup, "kept")
        #expect(Int(kept.filter(\.isNumber)) ?? 0 > 100, "killed too late to mean anything")
        let done = try await coordinator.perform(real)
        #expect(
            done.status == 0 && done.output.contains("\(number) nodes are removed"),
            "\(done.diagnostics)"
        )
        return backup
    }
}
