import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite(
    "A real ZooKeeper under observation",
    .enabled(if: RealZooKeeper.isInstalled, "ZooKeeper or Java is not installed"),
    .serialized
)
struct ZooKeeperInspectorTests {
    private func stats(_ status: ZooKeeperStatus) -> ServerStats? {
        guard case .yes(let stats) = status.serving else { return nil }
        return stats
    }

    @Test(
        "a standalone server is seen serving, and after its violent end its disk tells the last acknowledged write"
    )
    func standalone() async throws {
        let port = try RealZooKeeper.freePort()
        // Snapshots and new logs all the time.
        let server = try RealZooKeeper(
            ["clientPort=\(port)", "clientPortAddress=127.0.0.1"],
            javaOptions: ["-Dzookeeper.snapCount=60"]
        )
        defer { withExtendedLifetime(server) {} }
        let inspector = server.inspector()
        #expect(await eventually { stats(await inspector.status()) != nil })
        let last = try await RealZooKeeper.write(1000, to: port)

        let status = await inspector.status()
        let serving = try #require(stats(status))
        #expect(serving.version == ServerVersion(3, 8, 0) && serving.role == .standalone)
        #expect(serving.zxid == last)
        // The root (which the server counts twice), /zookeeper, its two children, /t and the new ones.
        #expect(serving.nodeCount == 1006)
        #expect(status.state == .running(pid: server.pid))
        #expect(status.configPath == server.config && status.file.digest != nil)
        #expect(status.fileView == [] && status.runningView == [])
        #expect(status.data.lastZxid == last && status.data.isEmpty == false)
        #expect(status.data.path == server.scratch("data") && status.data.logPath == server.scratch("log"))
        #expect(status.data.problems == [])
        #expect(try #require(status.diskFree) > 0)
        let started = try #require(status.processStartedAt)
        #expect(abs(started - Int64(time(nil)) * 1000) < 120_000)

        server.end()
        let after = ZooKeeperInspector(
            service: "zookeeper",
            configPath: server.config,
            stateDirectory: server.scratch("state"),
            supervisor: KnownProcess(pid: server.pid)
        )
        for observer in [inspector, after] {
            let dead = await observer.status()
            #expect(dead.state == .stopped && dead.processStartedAt == nil && dead.runningView == nil)
        }
        let dead = await after.status()
        #expect(dead.data.lastZxid == last && dead.data.problems == [])
        guard case .unreachable(let reason) = dead.serving else {
            Issue.record("\(dead.serving)")
            return
        }
        #expect(reason == "zookeeper does not run, so its client port was not asked")
        try await compareWithToolkit(server)
    }

    /// ZooKeeper's own tool reads every log to the same last transaction.
    private func compareWithToolkit(_ server: RealZooKeeper) async throws {
        let logs = try server.scratch.names(in: "log/version-2").filter { $0.hasPrefix("log.") }
        #expect(logs.count > 5)
        for name in logs.shuffled().prefix(3) {
            let path = server.scratch("log/version-2/\(name)")
            let text = try await RealZooKeeper.run([
                "/usr/bin/python3", "-c",
                """
                import re, subprocess, sys
                print(re.findall(r" zxid (0x[0-9a-f]+) ", subprocess.check_output(sys.argv[1:], text=True))[-1])
                """,
                "/usr/bin/java", "-cp", RealZooKeeper.jar,
                "org.apache.zookeeper.server.persistence.TxnLogToolkit", path,
            ])
            let theirs = try #require(Zxid(hexadecimal: text))
            #expect(try TransactionLog.scan(path).last?.zxid == theirs, "\(name)")
        }
    }

    @Test("members of an ensemble show their roles, connections and running view; alone, one is looking")
    func ensemble() async throws {
        let ports = try (0..<9).map { _ in try RealZooKeeper.freePort() }
        let members = (0..<3).map { "server.\($0 + 1)=127.0.0.\($0 + 1):\(ports[$0 + 3]):\(ports[$0 + 6])" }
        let servers = try (0..<2).map { index in
            try RealZooKeeper(
                members + [
                    "clientPort=\(ports[index])", "clientPortAddress=127.0.0.\(index + 1)",
                    "4lw.commands.whitelist=srvr,mntr",
                ],
                myid: index + 1
            )
        }
        // Both are looked at to the end, and a server ends with the last that holds it.
        defer { withExtendedLifetime(servers) {} }
        let inspectors = servers.map { $0.inspector() }
        let leads = await eventually {
            let first = stats(await inspectors[0].status())
            let second = stats(await inspectors[1].status())
            return first?.role == .follower && second?.role == .leader && second?.syncedFollowers == 1
        }
        #expect(leads)
        let leader = await inspectors[1].status()
        #expect(stats(leader)?.sessions == 0)
        #expect(leader.runningView?.map(\.id.value) == [1, 2, 3] && leader.runningView == leader.fileView)
        #expect(leader.data.myid == 2 && leader.data.currentEpoch == 1 && leader.data.acceptedEpoch == 1)
        let sockets = try #require(leader.peerSockets)
        let own = sockets.filter { $0.localPort == ports[4] }
        #expect(own.map(\.remoteAddress) == [IPAddress("127.0.0.1")])
        #expect(sockets.contains { $0.remotePort == ports[4] })

        // What runs is not what the file says once that is edited, even for an agent that starts later.
        let edited = Array("dataDir=\(servers[1].scratch("data"))\nclientPort=\(ports[1])\n".utf8)
        try servers[1].scratch.file("zoo.cfg", edited + Array("server.2=127.0.0.2:1:2\n".utf8))
        let restarted = servers[1].inspector()
        for inspector in [inspectors[1], restarted] {
            let view = await inspector.status()
            #expect(view.fileView?.map(\.id.value) == [2])
            #expect(view.runningView?.map(\.id.value) == [1, 2, 3])
            // The old ports still count: the process uses them.
            #expect(try #require(view.peerSockets).contains { $0.localPort == ports[4] })
        }
        // An agent that never saw the file as it was cannot know.
        let stranger = await servers[1].inspector(stateDirectory: servers[1].scratch("other")).status()
        #expect(stranger.runningView == nil && stranger.fileView != nil)

        servers[1].end()
        #expect(await eventually { await inspectors[0].status().serving == .looking })
        let alone = await inspectors[0].status()
        #expect(alone.lookingFor != nil, "it looks for a leader")
        #expect(alone.leadingFor == nil, "nobody has elected it")
        #expect(leader.lookingFor == nil && leader.leadingFor == nil)
    }

    @Test("waiting for a server ends when it serves, when it is gone, and otherwise after its time")
    func waiting() async throws {
        let clock = ContinuousClock()
        let ports = try (0..<2).map { _ in try RealZooKeeper.freePort() }
        let server = try RealZooKeeper(["clientPort=\(ports[0])", "clientPortAddress=127.0.0.1"])
        defer { withExtendedLifetime(server) {} }
        let inspector = server.inspector()
        await inspector.untilServing(within: .seconds(60))
        #expect(stats(await inspector.status()) != nil)
        server.end()
        let gone = await clock.measure { await inspector.untilServing(within: .seconds(60)) }
        #expect(gone < .seconds(30))

        let members = (1...3).map { "server.\($0)=127.0.0.\($0):\(2000 + $0):\(3000 + $0)" }
        let alone = try RealZooKeeper(
            members + ["clientPort=\(ports[1])", "clientPortAddress=127.0.0.1"],
            myid: 1
        )
        defer { withExtendedLifetime(alone) {} }
        let other = alone.inspector()
        #expect(await eventually { await other.status().serving == .looking })
        let vain = await clock.measure { await other.untilServing(within: .milliseconds(300)) }
        #expect(vain >= .milliseconds(300))
        #expect(await other.status().serving == .looking)
    }
}
