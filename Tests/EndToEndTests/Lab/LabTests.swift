import FoundationEssentials
import Glibc
import LabKit
import Testing

@Suite("The lab", .serialized, .countingIssues, .enabled(if: LabFixture.isPossible, "a lab needs root"))
struct LabTests {
    @Test(
        "comes up with one leader, takes writes through the source, and leaves nothing behind",
        .hangLimit
    )
    func wholeLife() async throws {
        try await LabFixture.withLab(agents: false) { lab in
            try await lab.up()
            #expect(try await lab.ensemble(.source).filter { $0.mode == "leader" }.count == 1)
            #expect(try await lab.ensemble(.destination).allSatisfy { $0.mode == nil })

            let workload = Workload(lab)
            try await workload.start(seconds: 60)
            try await workload.waitUntilWriting(.source, seconds: 30)
            try await Task.sleep(for: .seconds(2))
            let report = try #require(try await workload.check([.source]).first)
            #expect(report.isClean, "\(report)")
            #expect(report.acknowledged > 20)

            let running = try await Self.processes(of: lab)
            #expect(running.count >= 3)
            try await lab.down()
            #expect(try await lab.leftNamespaces().isEmpty)
            #expect(running.allSatisfy { !$0.isRunning })
        }
    }

    @Test("a writer whose servers restart one after another keeps its session", .hangLimit)
    func restarts() async throws {
        try await LabFixture.withLab(agents: false) { lab in
            try await lab.up()
            let workload = Workload(lab)
            try await workload.start(seconds: 120)
            try await workload.waitUntilWriting(.source, seconds: 30)
            for host in lab.configuration.sourceHosts {
                let service = try HostService(hostDirectory: lab.layout.host(host).root)
                try await service.stop()
                #expect(try service.status() == nil)
                try await lab.startZooKeeper(on: host)
                try await lab.waitUntilServing(.source, seconds: 60)
            }
            let report = try #require(try await workload.check([.source]).first)
            #expect(report.isClean, "\(report)")
            #expect((report.longestGap ?? 0) > 0.1)
        }
    }

    @Test("a write that a server of the real ensemble misses is found to be lost", .hangLimit)
    func sabotage() async throws {
        try await LabFixture.withLab(agents: false) { lab in
            try await lab.up()
            let workload = Workload(lab)
            try await workload.start(seconds: 60)
            try await workload.waitUntilWriting(.source, seconds: 30)
            try await Task.sleep(for: .seconds(1))
            let delete = """
                import sys
                from kazoo.client import KazooClient
                client = KazooClient(hosts=sys.argv[1])
                client.start()
                client.delete("/lab-source/w-0000003")
                client.stop()
                """
            let server = lab.configuration.sourceHosts[0].clientAddress
            let argv = ["/usr/bin/python3", "-c", delete, server]
            #expect(try await lab.run(argv, on: lab.configuration.client).succeeded)
            let report = try #require(try await workload.check([.source]).first)
            #expect(report.lost.map(\.path) == ["/lab-source/w-0000003"])
            #expect(report.lost.first?.missingOn.count == 3)
            #expect(!report.isClean)
        }
    }

    @Test("comes up over whatever a crash left, and again over itself", .hangLimit)
    func leftovers() async throws {
        try await LabFixture.withLab(agents: false) { lab in
            try await lab.up()
            // What a crash leaves: processes without records, records without processes, a pid that means
            // another process now, some of the namespaces, a namespace of a lab that had more hosts.
            let hosts = lab.configuration.sourceHosts
            let files = hosts.map { lab.layout.host($0) }
            try Folder.remove(files[0].zooKeeperRecord)
            let own = try #require(ProcessRecord(pid: getpid()))
            let stale = "{\"pid\": \(own.pid), \"startTicks\": \(own.startTicks &- 1)}"
            try Folder.write(stale, to: files[1].zooKeeperRecord)
            let leader = try #require(try RecordFile.read(ProcessRecord.self, at: files[2].zooKeeperRecord))
            leader.signal(SIGKILL)
            let gone = lab.namespace(of: lab.configuration.destinationHosts[0])
            #expect(try await Tool(["ip", "netns", "delete", gone]).outcome().succeeded)
            let old = lab.configuration.prefix + "-s9"
            #expect(try await Tool(["ip", "netns", "add", old]).outcome().succeeded)
            let before = try await Self.processes(of: lab)

            try await lab.up()
            #expect(before.allSatisfy { !$0.isRunning })
            #expect(try await !lab.leftNamespaces().contains(old))
            #expect(try await lab.ensemble(.source).filter { $0.mode == "leader" }.count == 1)
            try await lab.up()
            #expect(try await lab.ensemble(.source).filter { $0.mode == "leader" }.count == 1)
            let running = try await Self.processes(of: lab)
            #expect(running.count == 3)

            try await lab.down()
            try await lab.down()
            #expect(running.allSatisfy { !$0.isRunning })
            #expect(try await lab.leftNamespaces().isEmpty)
        }
    }

    @Test("comes up after `up` itself was killed half way", .hangLimit)
    func killedWhileComingUp() async throws {
        try await LabFixture.withLab(agents: false) { lab in
            let folder = lab.configuration.directory
            let up = [lab.binaries.lab, "up", "--name", lab.configuration.name, "--no-agents", "--hosts"]
            for wait in [30, 120, 400] {
                let log = folder + ".up.log"
                let process = try Launcher(namespace: nil, log: log).launch(up + ["processes"])
                // Any moment will do: what matters is that the next `up` does not care.
                try await Task.sleep(for: .milliseconds(wait))
                process.signal(SIGKILL)
                #expect(await process.isGone(within: .seconds(30)))
                try Folder.remove(log)
            }
            try await lab.up()
            #expect(try await lab.ensemble(.source).filter { $0.mode == "leader" }.count == 1)
            #expect(try await Self.processes(of: lab).count == 3)
        }
    }

    @Test("refuses a folder that no lab made")
    func foreignFolder() async throws {
        let folder = "/var/tmp/mitosis-lab/foreign\(UInt32.random(in: 0..<1_000_000))"
        try Folder.make(folder)
        try Folder.write("precious", to: folder + "/file")
        let configuration = try LabConfiguration(name: "foreign", directory: folder, agents: false)
        let lab = Lab(configuration, binaries: try Binaries.find())
        await #expect(throws: LabError.self) { try await lab.up() }
        try await lab.down(purge: true)
        #expect(try Folder.read(folder + "/file") == "precious")
        try Folder.remove(folder)
    }

    static func processes(of lab: Lab) async throws -> [ProcessRecord] {
        var all: [ProcessRecord] = []
        for namespace in try await lab.leftNamespaces() { all += try await lab.inhabitants(of: namespace) }
        return all
    }
}
