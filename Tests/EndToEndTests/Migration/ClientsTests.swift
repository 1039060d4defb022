import FoundationEssentials
import Glibc
import LabKit
import Testing

/// A client that holds what moves, on the source and then on the destination.
@Suite(
    "Nobody is left behind on the source",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct ClientsTests {
    /// Holds an ephemeral node until it is told to end, says its session first.
    private static let program = """
        import signal, sys, threading
        from kazoo.client import KazooClient
        over = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: over.set())
        client = KazooClient(hosts=sys.argv[1], timeout=18)
        client.start()
        client.ensure_path("/app")
        client.create("/app/lock", ephemeral=True)
        print("session 0x%x" % (client.client_id[0] & 0xFFFFFFFFFFFFFFFF), flush=True)
        over.wait()
        client.stop()
        """

    /// A client that runs, and its session.
    private struct Client {
        let process: ProcessRecord
        let session: String

        func end() async throws {
            process.signal(SIGTERM)
            try #require(await process.isGone(within: .seconds(20)))
        }
    }

    private func start(_ name: String, through hosts: [LabHost], in lab: Lab) async throws -> Client {
        let log = lab.layout.client + "/\(name).log"
        let servers = hosts.map(\.clientAddress).joined(separator: ",")
        let process = try Launcher(namespace: lab.namespace(of: lab.configuration.client), log: log)
            .launch(["/usr/bin/python3", "-c", Self.program, servers])
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let said = FileManager.default.fileExists(atPath: log) ? try Folder.read(log) : ""
            if let line = said.split(separator: "\n").first(where: { $0.hasPrefix("session ") }) {
                return Client(process: process, session: String(line.dropFirst("session ".count)))
            }
            try #require(ContinuousClock.now < deadline, "the client has no session: \(said)")
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    @Test(
        "a client of a tree that moves stops the run, by address, session and path; moved, the run goes to its end",
        .hangLimit,
        arguments: [false, true]
    )
    func stranger(_ tellsSessions: Bool) async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let bench = Bench(lab: lab)
            if tellsSessions {
                for host in lab.configuration.zooKeeperHosts {
                    _ = try bench.addSetting("4lw.commands.whitelist=srvr,cons", on: host.name)
                }
                for host in lab.configuration.sourceHosts {
                    try await bench.restart(host.name, waiting: true)
                }
            }
            let coordinator = Coordinator(lab: lab)
            _ = try bench.addToPlan { $0 + "\ntrees: [/app]\n" }
            try coordinator.shortenDeadlines(restart: 40)
            let address = lab.configuration.client.ipv4
            let stayed = try await start("stayed", through: lab.configuration.sourceHosts, in: lab)

            let stopped = try await coordinator.run()
            #expect(stopped.status == 1)
            for word in [address, stayed.session, "/app/lock"] {
                #expect(stopped.output.contains(word), "\(word): \(stopped.output.suffix(1500))")
            }
            let verdict = tellsSessions ? "is at the source" : "may still be there"
            #expect(stopped.output.contains(verdict), "\(stopped.output.suffix(1500))")
            for step in ["division.canary", "division.clients", "division.detach"] {
                #expect(!coordinator.happened("stepFinished", step))
            }
            let behind = try await coordinator.perform(["clients", lab.layout.plan])
            #expect(behind.status == 1)
            #expect(behind.output.contains(address) && behind.output.contains(stayed.session))

            try await stayed.end()
            let moved = try await start("moved", through: lab.configuration.seeds, in: lab)
            let clear = try await coordinator.perform(["clients", lab.layout.plan, "--json"])
            #expect(clear.status == 0, "\(clear.diagnostics)")
            #expect(clear.output.contains(#""clear" : true"#) && clear.output.contains(moved.session))
            // As a name server would say it.
            let hosts = lab.layout.control + "/hosts"
            try Folder.write("\(address) registry.example\n", to: hosts)
            let named = try await lab.run(
                [
                    "unshare", "--mount", "/bin/sh", "-c",
                    "mount --bind \(hosts) /etc/hosts && \(lab.binaries.coordinator) clients \(lab.layout.plan) --reverse-dns",
                ],
                on: lab.configuration.control
            )
            #expect(
                named.succeeded && named.output.contains("registry.example by DNS"),
                "\(named.diagnostics)"
            )
            let finished = try await coordinator.run()
            #expect(finished.succeeded, "\(finished.output.suffix(1500))")
            #expect(coordinator.events().contains(#""event":"runFinished""#))
            try await moved.end()
        }
    }
}
