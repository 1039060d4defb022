import FoundationEssentials
import Glibc
import LabKit
import Testing

/// Clients of ZooKeeper that are no brokers, each under a unit of its own: a properties file, an environment file, JSON.
@Suite(
    "Clients that are no brokers move, forwards and back",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct MovedClientsTests {
    /// A file as it is: bytes, owner, mode.
    private struct Kept: Equatable {
        let text: String
        let owner: UInt32
        let mode: UInt32

        init(_ path: String) throws {
            var found = stat()
            try #require(stat(path, &found) == 0)
            text = try Folder.read(path)
            owner = found.st_uid
            mode = found.st_mode
        }
    }

    /// The number of each client as every server of a side has it.
    private func counts(_ side: LabHost.Side, in lab: Lab) async throws -> [[String]] {
        let program = """
            import sys
            from kazoo.client import KazooClient
            for server in sys.argv[1].split(","):
                client = KazooClient(hosts=server, timeout=15)
                client.start(timeout=60)
                client.sync("/")
                print(" ".join(client.get(path)[0].decode() for path in sys.argv[2:]))
                client.stop()
                client.close()
            """
        let servers = lab.configuration.hosts(of: side).map(\.clientAddress).joined(separator: ",")
        let outcome = try await lab.run(
            ["/usr/bin/python3", "-c", program, servers] + lab.configuration.applications.map(\.countPath),
            on: lab.configuration.client
        )
        try #require(outcome.succeeded, "\(outcome.diagnostics)")
        return outcome.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    @Test(
        "taken to the seeds, back, and with a coordinator that is killed on the way to the end: files and numbers are right",
        .hangLimit
    )
    func thereAndBack() async throws {
        let obstacle = Lab.systemdObstacle()
        try await LabFixture.withLab(mode: obstacle == nil ? .systemd : .processes, applications: 3) { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let applications = lab.configuration.applications
            let files = applications.map { lab.file(of: $0) }
            try #require(chmod(files[0], 0o640) == 0 && chown(files[0], 1234, 1234) == 0)
            let before = try files.map { try Kept($0) }

            // Without events: those of the second run are waited for.
            let joint = try await coordinator.perform([
                "run", lab.layout.plan, "--yes", "--until", "repoint",
            ])
            try #require(joint.succeeded, "\(joint.diagnostics)")
            for (file, kept) in zip(files, before) {
                let now = try Kept(file)
                #expect(now.text.contains("198.51.100.21:2181,198.51.100.22:2181"), "\(now.text)")
                #expect(!now.text.contains("198.51.100.11"), "\(now.text)")
                #expect(now.owner == kept.owner && now.mode == kept.mode)
            }
            let seen = try await coordinator.perform(["clients", lab.layout.plan])
            #expect(seen.status == 0 && seen.output.contains("client a2 (a2)"), "\(seen.output)")

            let back = try await coordinator.withdraw()
            try #require(back.succeeded, "\(back.diagnostics)")
            #expect(try files.map { try Kept($0) } == before)
            for application in applications {
                // Opened at a source server: its id is the first byte.
                let session = try #require(try lab.counted(by: application)?.session)
                #expect(
                    ["0x1", "0x2", "0x3"].contains(session.prefix(3)) && session.count == 17,
                    "\(session)"
                )
            }

            // Two at once, one of which answers on a port as well; and at the end everybody once more.
            _ = try Bench(lab: lab).addToPlan { plan in
                let host = "\n      host: a1\n"
                return plan.replacing(host, with: host + "      healthy: {port: 8081}\n")
                    .replacing("\n  move:\n", with: "\n  batch: 2\n  restart_completed: true\n  move:\n")
            }
            #expect(try Folder.read(lab.layout.plan).contains("healthy: {port: 8081}"))
            let early = try await coordinator.perform(["preflight", lab.layout.plan])
            let silent = "client a1 (a1) does not answer at its port 8081"
            #expect(early.output.contains(silent), "\(early.output)")
            _ = try Launcher(
                namespace: lab.namespace(of: applications[0].host),
                log: lab.layout.client + "/health.log"
            ).launch(["/usr/bin/python3", "-m", "http.server", "8081", "--bind", "127.0.0.1"])
            try await coordinator.runAndDie(after: "repoint.client-2")
            let finished = try await coordinator.run()
            try #require(finished.succeeded, "\(finished.output.suffix(2000))")
            let status = try await coordinator.perform(["status", lab.layout.plan])
            #expect(
                status.output.contains("of 3 brokers and clients none runs with the seeds only any more"),
                "\(status.output)"
            )
            let servers = "198.51.100.21:2181,198.51.100.22:2181,198.51.100.23:2181"
            for (file, kept) in zip(files, before) {
                let wanted = kept.text.replacing(lab.configuration.applicationServers, with: servers)
                #expect(try Kept(file).text == wanted)
                #expect(try Kept(file).owner == kept.owner)
            }
            // Whatever was acknowledged is on every destination server, and nothing of it went to the source.
            let told = try applications.map { try #require(try lab.counted(by: $0)?.number) }
            for server in try await counts(.destination, in: lab) {
                let numbers = server.compactMap { Int($0) }
                #expect(zip(numbers, told).allSatisfy { $0 >= $1 } && numbers.count == 3, "\(server) \(told)")
            }
            for server in try await counts(.source, in: lab) {
                #expect(zip(server.compactMap { Int($0) }, told).allSatisfy { $0 < $1 }, "\(server) \(told)")
            }
        }
    }
}
