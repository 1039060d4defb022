import ControlProtocol
import Fleet
import Reporting
import Testing
import Topology

@Suite("What status and rules list print")
struct StatusTextTests {
    private static let header =
        "host          service     role      zxid          conns  nodes   view          rules lease \n"

    private static func view(_ ids: ClosedRange<Int>) throws -> [Member] {
        let (quorum, election) = (try #require(Port(2888)), try #require(Port(3888)))
        return try ids.map {
            Member(
                id: try #require(ServerID($0)),
                address: "s\($0)",
                quorumPort: quorum,
                electionPort: election
            )
        }
    }

    private static func text(_ name: String, _ answer: (HostName) throws -> Observation?) throws -> String {
        let host = try HostName.parsed(name)
        let answers = try answer(host).map { [host: $0] } ?? [:]
        return StatusText([host], answers).text
    }

    @Test("a server stands below the header, cell below cell")
    func server() throws {
        let text = try Self.text("s1") { .status(StatusFixture.status($0, view: try Self.view(1...3))) }
        #expect(
            text == Self.header
                + "s1            pid 4711    follower  0x10000002a   3      1234    1,2,3         0     - \n"
        )
    }

    @Test("a long name moves its own line only, and what is not known is a dash")
    func long() throws {
        let run = try #require(RunID("run-20260101-1"))
        let lease = LeaseState(
            highestEpoch: FencingEpoch(2),
            current: Lease(runID: run, epoch: FencingEpoch(2)),
            holder: "test",
            expiresAt: nil
        )
        let (long, short) = (
            try HostName.parsed("a-host-with-a-long-name.example"), try HostName.parsed("s3")
        )
        let answers: [HostName: Observation] = [
            long: .status(
                StatusFixture.status(long, view: nil, rules: 4, lease: lease, role: nil, state: .changing)
            ),
            short: .status(
                StatusFixture.status(
                    short,
                    view: try Self.view(1...7),
                    rules: 12_345_678,
                    role: nil,
                    state: .stopped
                )
            ),
        ]
        let lines = [
            "a-host-with-a-long-name.example changing    looking   0x100000029   -      -       -             "
                + "4     run-20260101-1 ",
            "s3            stopped     looking   0x100000029   -      -       1,2,3,4,5,6,7 12345678 - ",
        ]
        #expect(
            StatusText([long, short], answers).text == Self.header + lines.map { $0 + "\n" }.joined()
        )
    }

    @Test("who holds the leases, and what that run is at, is told once for all hosts that say the same")
    func holders() throws {
        let run = try #require(RunID("run-20260101-1"))
        let names = try ["s1", "s2"].map { try HostName.parsed($0) }
        let clock = StatusFixture.status(names[0], view: nil).clock
        let lease = LeaseState(
            highestEpoch: FencingEpoch(2),
            current: Lease(runID: run, epoch: FencingEpoch(2)),
            holder: "ops",
            expiresAt: clock + 60_000,
            since: clock,
            place: RunPlace(
                stage: "join",
                step: "join.start-seeds",
                title: "Start d1",
                since: clock,
                window: nil
            )
        )
        let answers = Dictionary(
            uniqueKeysWithValues: names.map {
                ($0, Observation.status(StatusFixture.status($0, view: nil, lease: lease)))
            }
        )
        let last = try #require(StatusText(names, answers).text.split(separator: "\n").last)
        #expect(last.hasPrefix("run run-20260101-1 of coordinator ops holds the lease since "), "\(last)")
        #expect(last.hasSuffix(" unless renewed: join, Start d1 (s1, s2)"), "\(last)")
    }

    @Test("a host without ZooKeeper shows its services, and how many rules it has all the same")
    func services() throws {
        let services = [
            NamedService(name: "kafka", state: .running(pid: 7)),
            NamedService(name: "mirror", state: .failed(reason: "exit 1")),
        ]
        #expect(
            try Self.text("k1") { .status(Self.broker($0, services)) } == Self.header
                + "k1            kafka pid 7, mirror failed                                        "
                + "              0     - \n"
        )
        #expect(
            try Self.text("k2") { .status(Self.broker($0, [])) } == Self.header
                + "k2            none                                                             0     - \n"
        )
    }

    private static func broker(
        _ host: HostName,
        _ services: [NamedService],
        _ credentials: CredentialExpiry? = nil
    ) -> HostStatus {
        HostStatus(
            host: host,
            agentVersion: "test",
            protocolVersion: 1,
            clock: 0,
            agentStartedAt: 0,
            lease: StatusFixture.noLease,
            rules: InstalledRules(backend: .nftables, wall: nil, count: 0, counters: [], listing: ""),
            zookeeper: nil,
            services: services,
            credentials: credentials
        )
    }

    @Test("files that are not in use are named below their host")
    func credentials() throws {
        let problem = CredentialProblem(part: "trust", reason: "/t/ca.crl is refused: why", since: 1)
        let text = try Self.text("k1") { host in
            let expiry = CredentialExpiry(
                certificate: 1,
                authority: nil,
                revocationList: nil,
                failures: [problem]
            )
            return .status(Self.broker(host, [], expiry))
        }
        #expect(text.hasSuffix("- \nk1  not in use: /t/ca.crl is refused: why\n"))
    }

    @Test("an epoch that is not believed is told below the hosts")
    func outlier() throws {
        var answers: [HostName: Observation] = [:]
        let hosts = try ["s1", "s2", "s3"].map { try HostName.parsed($0) }
        for (host, epoch) in zip(hosts, [FencingEpoch(4), .highest, FencingEpoch(4)]) {
            let lease = LeaseState(highestEpoch: epoch, current: nil, holder: nil, expiresAt: nil)
            answers[host] = .status(StatusFixture.status(host, view: nil, lease: lease))
        }
        let lines = StatusText(hosts, answers).text.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(
            lines.last?.hasPrefix("s2  its agent says that the highest epoch it has granted is 90071992547")
                == true
        )
    }

    @Test("a host that does not answer says why, and no host at all leaves the header")
    func silence() throws {
        #expect(
            try Self.text("s1") { _ in .silent(reason: "connection refused") } == Self.header
                + "s1  no answer: connection refused\n"
        )
        #expect(try Self.text("s1") { _ in nil } == Self.header + "s1  no answer\n")
        #expect(StatusText([], [:]).text == Self.header)
    }

    @Test("rules list shows the count, the backend and the kernel's own listing, or why there is none")
    func rules() throws {
        let host = try HostName.parsed("s1")
        var text = RulesText()
        let walled = Observation.status(StatusFixture.status(host, view: nil, rules: 4))
        #expect(text.told(host, walled) == "s1: 4 rules (nftables)\n  table inet mitosis {\n  }\n")
        let clear = Observation.status(StatusFixture.status(host, view: nil))
        let other = try HostName.parsed("s2")
        #expect(text.told(other, clear) == "s2: 0 rules (nftables)\n")
        #expect(text.isWhole)
        let silent = try HostName.parsed("s0")
        #expect(text.told(silent, .silent(reason: "no route")) == "s0: no answer: no route\n")
        #expect(!text.isWhole)
        #expect(
            text.end() == """
                3 hosts: 1 without a rule of ours, 1 with, 0 unreadable, 1 silent
                with rules: s1 (4)
                silent: s0

                """
        )
    }

    @Test("rules that cannot be read are no rules that are known, and for programs a host is a line of JSON")
    func unreadableRules() throws {
        let status = try FullStatus.status(try HostName.parsed("s1"))
        var text = RulesText()
        #expect(
            text.told(status.host, .status(status))
                == "s1: its rules (nftables) cannot be read: nft is missing\n"
        )
        #expect(!text.isWhole)
        #expect(
            text.end()
                == "1 hosts: 0 without a rule of ours, 0 with, 1 unreadable, 0 silent\nunreadable: s1\n"
        )
        var json = RulesText(json: true)
        let line = json.told(status.host, .status(status))
        #expect(line.hasPrefix(#"{"host":"s1","rules":{"backend":"nftables""#) && line.hasSuffix("}\n"))
        #expect(
            json.told(try HostName.parsed("s2"), .silent(reason: "no route"))
                == #"{"host":"s2","silent":"no route"}"# + "\n"
        )
        #expect(json.end() == #"{"clear":0,"hosts":2,"silent":1,"unreadable":1,"withRules":0}"# + "\n")
    }
}
