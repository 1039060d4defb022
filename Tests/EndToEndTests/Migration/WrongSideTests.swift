import FoundationEssentials
import Glibc
import LabKit
import Testing

/// A tenant of the source that writes, after the division, into a tree that has moved.
@Suite(
    "A write on the wrong side is named",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct WrongSideTests {
    /// Writes into a tree of its own all the time, and with each SIGUSR1 once into the one that moves.
    private static let program = """
        import signal, sys, threading, time
        from kazoo.client import KazooClient
        over, asked = threading.Event(), threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: over.set())
        signal.signal(signal.SIGUSR1, lambda *_: asked.set())
        client = KazooClient(hosts=sys.argv[1], timeout=18)
        client.start()
        client.ensure_path("/app")
        client.ensure_path("/lab-source/tenant")
        print("session 0x%x" % (client.client_id[0] & 0xFFFFFFFFFFFFFFFF), flush=True)
        number = 0
        while not over.is_set():
            client.retry(client.set, "/lab-source/tenant", b"mine")
            if asked.is_set():
                asked.clear()
                number += 1
                client.retry(client.create, "/app/late%d" % number, b"lost")
                print("wrote %d" % number, flush=True)
            time.sleep(0.1)
        client.stop()
        """

    /// Whether a node is there, by every server that is named.
    private static let look = """
        import sys
        from kazoo.client import KazooClient
        for server in sys.argv[2].split(","):
            client = KazooClient(hosts=server, timeout=18)
            client.start()
            client.sync("/app")
            print("there" if client.exists(sys.argv[1]) else "missing", flush=True)
            client.stop()
        """

    private struct Tenant {
        let process: ProcessRecord
        let log: String

        func wait(for text: String) async throws -> String {
            try await WrongSideTests.wait(for: text, in: log, seconds: 60)
        }
    }

    /// The line of a file that holds `text`, as soon as there is one.
    @discardableResult
    private static func wait(for text: String, in path: String, seconds: Int) async throws -> String {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let said = FileManager.default.fileExists(atPath: path) ? try Folder.read(path) : ""
            if let line = said.split(separator: "\n").first(where: { $0.contains(text) }) {
                return String(line)
            }
            try #require(ContinuousClock.now < deadline, "no \(text) within \(seconds) s: \(said)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func tenant(in lab: Lab) throws -> Tenant {
        let log = lab.layout.client + "/tenant.log"
        let servers = lab.configuration.sourceHosts.map(\.clientAddress).joined(separator: ",")
        let process = try Launcher(namespace: lab.namespace(of: lab.configuration.client), log: log)
            .launch(["/usr/bin/python3", "-c", Self.program, servers])
        return Tenant(process: process, log: log)
    }

    private func watch(_ lab: Lab, _ name: String) throws -> (process: ProcessRecord, log: String) {
        let log = lab.layout.control + "/\(name).log"
        let process = try Launcher(namespace: lab.namespace(of: lab.configuration.control), log: log)
            .launch([lab.binaries.coordinator, "clients", lab.layout.plan, "--watch"])
        return (process, log)
    }

    private func sightings(_ path: String, at hosts: [LabHost], in lab: Lab) async throws -> [String] {
        let servers = hosts.map(\.clientAddress).joined(separator: ",")
        let seen = try await lab.run(
            ["/usr/bin/python3", "-c", Self.look, path, servers],
            on: lab.configuration.client
        )
        return seen.output.split(separator: "\n").map(String.init)
    }

    @Test(
        "within five seconds, with path, session and address, by the run and by `clients --watch`; the run ends with the finding",
        .hangLimit
    )
    func tenant() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let bench = Bench(lab: lab)
            for host in lab.configuration.sourceHosts {
                _ = try bench.addSetting("4lw.commands.whitelist=srvr,cons", on: host.name)
                try await bench.restart(host.name, waiting: true)
            }
            _ = try bench.addToPlan { $0 + "\ntrees: [/app]\n" }
            let coordinator = Coordinator(lab: lab)
            try coordinator.shortenDeadlines(restart: 40)
            let address = lab.configuration.client.ipv4
            let tenant = try tenant(in: lab)
            let session = String(try await tenant.wait(for: "session ").dropFirst("session ".count))

            let run = try coordinator.start()
            try await coordinator.waitForStep("division.start")
            tenant.process.signal(SIGUSR1)
            _ = try await tenant.wait(for: "wrote 1")
            try await Self.wait(for: "Written on the wrong side", in: lab.layout.events, seconds: 5)
            let told = try await Self.wait(
                for: "Written on the wrong side",
                in: lab.layout.events,
                seconds: 1
            )
            for word in [address, session, "/app/late1"] { #expect(told.contains(word), "\(told)") }

            // What it is: two histories. Without the look, the comparison is the first to see it.
            try #require(await run.isGone(within: .seconds(240)))
            #expect(
                coordinator.said.contains("THE TRUTH IS SPLIT: 1 writes"),
                "\(coordinator.said.suffix(3000))"
            )
            #expect(coordinator.happened("runStopped", "proof.compare", saying: "/app/late1"))
            let here = try await sightings("/app/late1", at: lab.configuration.sourceHosts, in: lab)
            let there = try await sightings("/app/late1", at: lab.configuration.destinationHosts, in: lab)
            #expect(Set(here) == ["there"] && Set(there) == ["missing"], "\(here) \(there)")

            let watch = try watch(lab, "watch")
            try await Self.wait(for: "/app/late1", in: watch.log, seconds: 30)
            tenant.process.signal(SIGUSR1)
            _ = try await tenant.wait(for: "wrote 2")
            let line = try await Self.wait(for: "/app/late2", in: watch.log, seconds: 5)
            #expect(line.contains(address) && line.contains(session), "\(line)")

            let finished = try await coordinator.run(["--yes", "--accept", "known"])
            #expect(finished.status == 1, "\(finished.output.suffix(1500))")
            #expect(
                finished.output.contains("finished, but the truth is split"),
                "\(finished.output.suffix(1500))"
            )
            #expect(coordinator.events().contains(#""event":"runFinished""#))

            tenant.process.signal(SIGUSR1)
            _ = try await tenant.wait(for: "wrote 3")
            try await Self.wait(for: "/app/late3", in: watch.log, seconds: 5)
            try await bench.end(watch.process)
            let listed = try await coordinator.perform(["clients", lab.layout.plan, "--json"])
            #expect(listed.status == 1 && listed.output.contains(#""count" : 3"#), "\(listed.output)")
            for said in [try Folder.read(watch.log), coordinator.events(), listed.output] {
                #expect(!said.contains("/lab-source/tenant"))
            }
            tenant.process.signal(SIGTERM)
            try #require(await tenant.process.isGone(within: .seconds(20)))
        }
    }
}
