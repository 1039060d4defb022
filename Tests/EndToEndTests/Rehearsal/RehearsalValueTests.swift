import FoundationEssentials
import Glibc
import LabKit
import Printable
import Rehearsals
import Testing

@Suite("What a rehearsal takes over of a set-up")
struct RehearsalValueTests {
    static let machine = RehearsalMachine(
        cores: 16,
        memory: 32_000,
        zooKeepers: ["3.4.14", "3.6.3", "3.8.0"],
        kafka: "2.8"
    )

    static func server(
        _ id: Int,
        version: String? = nil,
        configuration: String? = nil,
        nodes: Int? = nil,
        bytes: Int? = nil
    ) -> RehearsedSetup.Server {
        RehearsedSetup.Server(
            id: id,
            host: "zk\(id)",
            address: "192.0.2.\(id)",
            version: version,
            configuration: configuration,
            nodes: nodes,
            bytes: bytes
        )
    }

    static func setup(
        strategy: RehearsedSetup.Strategy = .participants,
        source: [RehearsedSetup.Server] = [11, 12, 13].map { server($0) },
        destination: [RehearsedSetup.Server] = [21, 22, 23].map { server($0) },
        seeds: [Int] = [22, 23],
        chroot: String? = nil,
        brokers: [Int] = [],
        clients: [RehearsedSetup.ClientKind] = []
    ) -> RehearsedSetup {
        RehearsedSetup(
            plan: "kafka-a",
            strategy: strategy,
            scope: .allTCP,
            deadlines: RehearsedSetup.Deadlines(join: 60, restart: 61, division: 62),
            source: source,
            destination: destination,
            seeds: seeds,
            chroot: chroot,
            brokers: brokers.map { RehearsedSetup.Broker(id: $0, host: "k\($0)", address: "192.0.2.9") },
            clients: clients.enumerated().map {
                RehearsedSetup.Client(name: "c\($0)", host: "app\($0)", address: "192.0.2.8", kind: $1)
            },
            waivers: ["clocks": "no NTP"]
        )
    }

    static func rehearsal(
        _ setup: RehearsedSetup,
        on machine: RehearsalMachine = machine,
        mostNodes: Int = 50_000
    ) throws -> Rehearsal {
        try Rehearsal(of: setup, on: machine, as: "r1", mode: .processes, mostNodes: mostNodes)
    }

    @Test("sizes, ids in their order, seeds, strategy, scope, deadlines and waivers are the plan's")
    func shape() throws {
        let rehearsal = try Self.rehearsal(Self.setup(seeds: [23, 21]))
        let lab = rehearsal.configuration
        #expect(lab.sourceHosts.map(\.id) == [11, 12, 13])
        #expect(lab.destinationHosts.map(\.id) == [21, 22, 23])
        #expect(lab.seeds.map(\.name) == ["d1", "d3"])
        let text = PlanFile.text(for: Lab(lab, binaries: Binaries(directory: "/usr/bin")))
        for line in [
            "name: kafka-a", "strategy: participants", "seeds: [23, 21]", "firewall: {scope: all-tcp}",
            "join_seconds: 60", "restart_seconds: 61", "division_seconds: 62", "check: clocks",
        ] {
            #expect(text.contains(line), "\(line): \(text)")
        }
        #expect(rehearsal.hosts.first?.host == "zk11" && rehearsal.hosts.first?.here == "s1")
        let observers = try Self.rehearsal(Self.setup(strategy: .observers, seeds: [21, 22, 23]))
        let other = PlanFile.text(
            for: Lab(observers.configuration, binaries: Binaries(directory: "/usr/bin"))
        )
        #expect(!other.contains("seeds:") && other.contains("strategy: observers"))
    }

    @Test(
        "what it was made of is the same when its record was read back, and a record of an older lab has no shape"
    )
    func records() throws {
        let configuration = try Self.rehearsal(Self.setup()).configuration
        let again = try JSONDecoder().decode(
            LabConfiguration.self,
            from: try JSONEncoder().encode(configuration)
        )
        #expect(again == configuration)
        let old =
            #"{"name":"a","directory":"/var/x/a","sources":3,"destinations":3,"mode":"processes","agents":true}"#
        let lab = try JSONDecoder().decode(LabConfiguration.self, from: Data(old.utf8))
        #expect(lab.shape == nil && lab.sourceHosts.map(\.id) == [1, 2, 3] && lab.chroot == "/kafka")
    }

    @Test(
        "settings of zoo.cfg are taken over, and places, secrets and what only looks like a setting are not"
    )
    func settings() throws {
        let text = """
            tickTime=2000
            initLimit=20
            dataDir=/srv/zk
            clientPort=2182
            maxClientCnxns=0
            autopurge.purgeInterval=24
            authProvider.sasl=org.example.Provider
            ssl.keyStore.password=secret
            leaderServes=yes\\u000aevil=1
            dataDir=/srv/zk2
            4lw.commands.whitelist=mntr, ruok
            server.11=192.0.2.11:2888:3888
            """
        let rehearsal = try Self.rehearsal(
            Self.setup(source: [Self.server(11, configuration: text), Self.server(12), Self.server(13)])
        )
        let lines = try #require(rehearsal.configuration.shape?.settings["s1"])
        #expect(
            lines == [
                "tickTime=2000", "initLimit=20", "maxClientCnxns=0", "autopurge.purgeInterval=24",
                "4lw.commands.whitelist=mntr, ruok, srvr", "syncLimit=5",
            ]
        )
        let written = ZooKeeperServer.configuration(
            of: rehearsal.configuration.sourceHosts[0],
            in: rehearsal.configuration.sourceHosts,
            data: "/data",
            settings: lines
        )
        for part in ["tickTime=2000\n", "dataDir=/data\n", "clientPort=2181\n", "server.11=198.51.100.11"] {
            #expect(written.contains(part), "\(written)")
        }
        for part in ["secret", "org.example", "/srv/zk", "2182", "evil"] {
            #expect(!written.contains(part), "\(part): \(written)")
        }
        let remarks = rehearsal.remarks.joined(separator: "\n")
        #expect(
            remarks.contains(
                "zk11: of its zoo.cfg these are left out: authProvider.sasl, ssl.keyStore.password, leaderServes"
            )
        )
        #expect(!remarks.contains("secret"))
        #expect(remarks.contains("zk12, zk13, zk21"))
    }

    @Test(
        "the version is the one that was seen, else the nearest that is here, and the destination's is none older",
        arguments: [
            ("3.4.14-abc", nil, "3.4.14", "3.4.14", 0), ("3.5.9", nil, "3.6.3", "3.6.3", 2),
            ("3.6.3", "3.9.3-x", "3.6.3", "3.8.0", 1), ("3.9.0", "3.4.14", "3.8.0", "3.8.0", 2),
            (nil, nil, "3.8.0", "3.8.0", 2), ("nonsense", "", "3.8.0", "3.8.0", 2),
        ] as [(String?, String?, String, String, Int)]
    )
    func versions(source: String?, destination: String?, first: String, second: String, said: Int) throws {
        let setup = Self.setup(
            source: [Self.server(11, version: source), Self.server(12), Self.server(13)],
            destination: [Self.server(21, version: destination), Self.server(22), Self.server(23)]
        )
        let rehearsal = try Self.rehearsal(setup)
        #expect(rehearsal.configuration.zooKeeper.source == first)
        #expect(rehearsal.configuration.zooKeeper.destination == second)
        #expect(rehearsal.remarks.count { $0.hasPrefix("ZooKeeper ") } == said)
    }

    @Test("data is scaled to what is allowed and to the machine's memory, and it is said")
    func sizes() throws {
        let setup = Self.setup(
            source: [11, 12, 13].map { Self.server($0, nodes: 1_200_000, bytes: 240_000_000) }
        )
        let allowed = try Self.rehearsal(setup)
        #expect(
            allowed.configuration.filling.znodes == 50_000 && allowed.configuration.filling.znodeSize == 200
        )
        #expect(allowed.configuration.heap > 128)
        #expect(allowed.remarks.contains { $0.hasPrefix("50000 of 1200000 nodes") })
        let small = RehearsalMachine(cores: 2, memory: 1_000, zooKeepers: ["3.8.0"])
        let fitting = try Self.rehearsal(setup, on: small, mostNodes: 2_000_000)
        #expect((1..<1_200_000).contains(fitting.configuration.filling.znodes))
        #expect(fitting.remarks.contains { $0.contains("there is no memory for more in 6 servers") })
        #expect(fitting.remarks.contains { $0.contains("share 2 cores") })
        let none = try Self.rehearsal(setup, on: small, mostNodes: 0)
        #expect(none.configuration.filling.znodes == 0)
        let lying = Self.setup(source: [11, 12, 13].map { Self.server($0, nodes: 0, bytes: Int.max) })
        #expect(try Self.rehearsal(lying).configuration.filling.znodes == 0)
    }

    @Test("brokers have the plan's ids and chroot; more than a lab has, and none without a Kafka, are said")
    func brokers() throws {
        let three = try Self.rehearsal(Self.setup(chroot: "", brokers: [101, 7, 0])).configuration
        #expect(three.brokerHosts.map(\.brokerID) == [101, 7, 0] && three.chroot == "")
        #expect(KafkaServer.connectString(three.sourceHosts, chroot: three.chroot).hasSuffix(":2181"))
        let twelve = try Self.rehearsal(Self.setup(chroot: "/k", brokers: Array(1...12)))
        #expect(twelve.configuration.brokers == 9)
        #expect(twelve.remarks.contains("9 of 12 brokers are here: a lab has no more"))
        #expect(twelve.hosts.count { $0.here == nil } == 3)
        let without = RehearsalMachine(cores: 2, memory: 32_000, zooKeepers: ["3.8.0"])
        let none = try Self.rehearsal(Self.setup(chroot: "/k", brokers: [1]), on: without)
        #expect(none.configuration.brokers == 0)
        #expect(none.remarks.contains { $0.hasPrefix("none of 1 brokers is here: ") })
        let clients = try Self.rehearsal(Self.setup(clients: [.text, .property])).configuration
        #expect(clients.applications.map(\.kind) == [.json, .properties])
    }

    @Test("a distribution for the destination alone is used, beside the nearest of the source's")
    func ownDestination() throws {
        let setup = Self.setup(
            source: [11, 12, 13].map { Self.server($0, version: "3.8.0") },
            destination: [21, 22, 23].map { Self.server($0, version: "3.9.3") }
        )
        let own = RehearsalMachine(
            cores: 16,
            memory: 32_000,
            zooKeepers: ["3.6.3", "3.8.0"],
            ownDestination: "3.9.3"
        )
        let rehearsal = try Self.rehearsal(setup, on: own)
        #expect(rehearsal.configuration.zooKeeper.source == "3.8.0")
        // What ZOOKEEPER_DESTINATION_HOME names.
        #expect(rehearsal.configuration.zooKeeper.destination == nil)
        #expect(!rehearsal.remarks.contains { $0.contains("ZOOKEEPER") }, "\(rehearsal.remarks)")
    }

    @Test("a side of more hosts than a lab has is refused, and so is a machine without a ZooKeeper")
    func refused() throws {
        let many = Self.setup(source: (1...11).map { Self.server($0) })
        #expect(throws: LabError.self) { try Self.rehearsal(many) }
        let bare = RehearsalMachine(cores: 2, memory: 1_000, zooKeepers: [])
        #expect(throws: LabError.self) { try Self.rehearsal(Self.setup(), on: bare) }
    }

    @Test(
        "faults take turns among stages, kinds and hosts, beginning with the division, and none strikes the plan's checks"
    )
    func faults() throws {
        let lab = try Self.rehearsal(Self.setup()).forFaults()
        let steps = [
            "preflight.checks", "join.start-seeds", "join.smoke", "division.detach", "division.start",
            "return.files", "proof.compare", "clean-up.apart",
        ]
        let cases = RehearsalFaults.cases(16, of: lab, steps: steps)
        #expect(cases.count == 16 && Set(cases).count == 16)
        #expect(cases[0].step == "division.start" && cases[0].host == "d1")
        // Two belong to a step of their own; what is preloaded needs a compiler, which a rehearsal's machine may lack.
        let others: Set<FaultCase.Kind> = [.lag, .outage, .slowDisk, .fullDisk, .clock]
        #expect(Set(cases.map(\.kind)) == Set(FaultCase.Kind.allCases).subtracting(others))
        #expect(Set(cases.map(\.host)).count >= 5)
        #expect(!cases.contains { $0.step.hasPrefix("preflight") })
        for fault in cases { #expect((fault.kind == .coordinator) == (fault.host == "control")) }
        let withBrokers = RehearsalFaults.cases(
            9,
            of: lab,
            steps: ["repoint.all", "division.kafka", "clean-up.connect-strings", "division.detach"]
        )
        #expect(Set(withBrokers.map(\.step)) == ["division.detach"])
        #expect(RehearsalFaults.cases(3, of: lab, steps: []).isEmpty)
        #expect(RehearsalFaults.cases(0, of: lab, steps: steps).isEmpty)
        #expect(lab.name == "r1f" && lab.brokers == 0 && lab.sourceHosts.map(\.id) == [11, 12, 13])
    }

    @Test(
        "a fault strikes hosts of its kind alone: one that lags is a seed, an outage begins at the control host",
        arguments: [
            (FaultCase.Kind.lag, "d2", true), (.lag, "d3", false), (.lag, "s1", false),
            (.outage, "control", true), (.outage, "d1", false),
            (.coordinator, "control", true), (.boot, "d3", true), (.boot, "control", false),
        ]
    )
    func hostsOfFaults(_ kind: FaultCase.Kind, _ host: String, _ isRight: Bool) throws {
        let lab = try LabConfiguration(name: "r1", directory: "/var/tmp/r1")
        let fault = FaultCase(step: "division.canary", moment: .ended, host: host, kind: kind, way: .forward)
        if isRight {
            #expect(try fault.check(against: lab).name == host)
        } else {
            #expect(throws: LabError.self) { try fault.check(against: lab) }
        }
    }

    @Test("a fault's row says what came of it")
    func rows() throws {
        let fault = FaultCase(step: "division.start", moment: .begun, host: "d1", kind: .boot, way: .forward)
        var report = FaultReport(fault: fault, strategy: .participants)
        report.problems = ["division.start was not reached: finished"]
        #expect(RehearsalFaults.row(report).result == .notTried)
        // A run that came to no end before the place, or lost writes on its way there, is no fault that was not tried.
        report.lost = 2
        #expect(RehearsalFaults.row(report).result == .failed)
        #expect(RehearsalFaults.row(report).said.contains("2 writes lost"))
        report.lost = 0
        report.problems.append("the migration did not come to its end in 6 commands")
        #expect(RehearsalFaults.row(report).result == .failed)
        report.problems = []
        report.struck = true
        report.unaided = true
        report.compared = true
        report.acknowledged = 5
        #expect(RehearsalFaults.row(report).result == .passed)
        #expect(RehearsalFaults.row(report).said.contains("0 of 5 writes lost"))
        report.problems = ["d1 still has rules"]
        #expect(RehearsalFaults.row(report).result == .failed)
        #expect(RehearsalFaults.row(report).said.contains("d1 still has rules"))
    }

    @Test("what a test prints is shown without its secrets and without what a terminal would obey")
    func said() {
        let secret = "x" + String(repeating: "s3cret", count: 100)
        let said = RehearsalTests.said(
            status: 1,
            "begun\u{1B}[2J\npassword=\(secret)\n\u{202E}ended\n",
            seconds: 5
        )
        #expect(!said.contains("s3cret") && said.contains(SecretValues.mark), "\(said)")
        #expect(said.unicodeScalars.allSatisfy { $0 == "\n" || (0x20...0x7E).contains($0.value) }, "\(said)")
        #expect(said.hasPrefix("status 1: begun") && said.hasSuffix("ended"), "\(said)")
        #expect(
            RehearsalTests.said(status: 124, "", seconds: 5) == "status 124 (not ended after 5 s, perhaps)"
        )
    }

    @Test("what came of a rehearsal is its owner's alone")
    func permissions() throws {
        let folder =
            FileManager.default.temporaryDirectory.path + "/rehearsed-\(UInt64.random(in: 0 ... .max))"
        try Folder.make(folder)
        let path = folder + "/rehearsal.json"
        for text in ["one", "two"] { try RecordFile.writePrivate([text], at: path) }
        #expect(try RecordFile.read([String].self, at: path) == ["two"])
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        try Folder.remove(folder)
    }

    @Test("a second rehearsal of a name is refused, with who holds it and what to do; a later one is not")
    func names() throws {
        let folder =
            FileManager.default.temporaryDirectory.path + "/rehearsals-\(UInt64.random(in: 0 ... .max))"
        let configuration = try LabConfiguration(name: "r1", directory: folder + "/r1")
        try held(configuration)
        _ = try RehearsalLock(configuration)
        _ = try RehearsalLock(try LabConfiguration(name: "r2", directory: folder + "/r2"))
        try Folder.remove(folder)
    }

    private func held(_ configuration: LabConfiguration) throws {
        let lock = try RehearsalLock(configuration)
        defer { withExtendedLifetime(lock) {} }
        do throws(LabError) {
            _ = try RehearsalLock(configuration)
            Issue.record("a second one was let in")
        } catch {
            let said = "\(error)"
            #expect(said.contains("'r1' already (process \(getpid()))") && said.contains("--name"), "\(said)")
        }
    }
}
