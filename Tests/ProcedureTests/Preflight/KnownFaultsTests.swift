import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Testing
import Topology

@Suite("known faults and pairs of versions")
struct KnownFaultsTests {
    /// The verdicts of both checks on a fleet whose sides run these versions; nil for a side that does not serve.
    private static func judge(
        _ source: ServerVersion,
        _ destination: ServerVersion?,
        strategy: MigrationPlan.Strategy = .observers,
        edit: ((inout ModelEnsemble) -> Void) = { _ in }
    ) async throws -> (faults: Verdict, pair: Verdict) {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        fleet.change { model in
            edit(&model)
            for server in plan.source { model.make(server.host.description) { $0.version = source } }
            guard let destination else { return }
            for server in plan.destination {
                model.make(server.host.description) { $0.version = destination }
            }
        }
        let subject = SurveyedPlan(plan: plan, survey: await Survey.take(of: plan, through: fleet))
        let model = fleet.model
        let view = FleetView(
            hosts: Dictionary(
                uniqueKeysWithValues: plan.servers.compactMap { server in
                    model.status(server.host).map { status in
                        (server.host, .status(serving(status, destination, plan.destination, server)))
                    }
                }
            )
        )
        return (
            Check.knownFaults(subject).gate.judge(view, RunFacts()),
            Check.versionPair(subject).gate.judge(view, RunFacts())
        )
    }

    /// As if the destination had joined and served.
    private static func serving(
        _ status: HostStatus,
        _ version: ServerVersion?,
        _ destination: [PlannedServer],
        _ server: PlannedServer
    ) -> HostStatus {
        guard let version, destination.contains(where: { $0.host == server.host }),
            let zookeeper = status.zookeeper
        else { return status }
        let stats = ServerStats(
            version: version,
            role: .observer,
            zxid: Zxid(1),
            connections: 0,
            outstanding: 0,
            nodeCount: 1,
            syncedFollowers: nil
        )
        return HostStatus(
            host: status.host,
            agentVersion: status.agentVersion,
            protocolVersion: status.protocolVersion,
            clock: status.clock,
            agentStartedAt: status.agentStartedAt,
            lease: status.lease,
            rules: status.rules,
            zookeeper: ZooKeeperStatus(
                service: zookeeper.service,
                state: zookeeper.state,
                processStartedAt: nil,
                configPath: zookeeper.configPath,
                file: zookeeper.file,
                fileView: nil,
                runningView: nil,
                serving: .yes(stats: stats),
                data: zookeeper.data,
                peerSockets: nil,
                diskFree: nil
            )
        )
    }

    private static func text(_ verdict: Verdict) -> String {
        switch verdict {
        case .holds(let observed): "holds: \(observed)"
        case .warns(let observed): "warns: \(observed)"
        case .never(let reason), .waiting(let reason): "never: \(reason)"
        }
    }

    @Test("every row of the table can be read, and names what is to be done")
    func table() {
        let (faults, mistakes) = KnownFault.table
        #expect(mistakes == [] && faults.count >= 13)
        #expect(Set(faults.map(\.name)).count == faults.count)
        let heading = "| a |\n|---|\n"
        #expect(KnownFault.read(heading + "| ZOOKEEPER-1 | 3.5-3.6 | source |").mistakes == ["ZOOKEEPER-1"])
    }

    @Test("3.9.3 can lose data on either side, and is refused; 3.9.2 and 3.9.4 are not")
    func dataLoss() async throws {
        for (source, destination) in [(3, 4), (2, 3)] as [(UInt8, UInt8)] {
            let (faults, _) = try await Self.judge(
                ServerVersion(3, 9, source),
                ServerVersion(3, 9, destination)
            )
            let said = Self.text(faults)
            #expect(said.hasPrefix("never: ZOOKEEPER-4925 on "), "\(said)")
            #expect(said.contains("data loss") && said.contains("use 3.9.4 or later"))
        }
        let (faults, _) = try await Self.judge(ServerVersion(3, 9, 2), ServerVersion(3, 9, 4))
        #expect(Self.text(faults).hasPrefix("holds: "), "\(Self.text(faults))")
    }

    @Test("what can be lived with is a warning, with what to do")
    func warnings() async throws {
        let old = Self.text(try await Self.judge(ServerVersion(3, 4, 6), ServerVersion(3, 6, 2)).faults)
        #expect(old.hasPrefix("warns: "), "\(old)")
        #expect(old.contains("ZOOKEEPER-2355 on s1 (3.4.6)") && old.contains("ZOOKEEPER-3144 on s1"))
        #expect(old.contains("ZOOKEEPER-3642 on d4 (3.6.2)") && old.contains("move its version-2 away"))
        let young = Self.text(try await Self.judge(ServerVersion(3, 6, 3), ServerVersion(3, 8, 0)).faults)
        #expect(young.hasPrefix("holds: "), "\(young)")
    }

    @Test("limits that make elections slow are told where the version waits for them")
    func slowLimits() async throws {
        let longer: (inout ModelEnsemble) -> Void = { model in
            for host in ["d4", "d5", "d6"] { model.edit(host, "initLimit=5", "initLimit=10") }
        }
        for version in [ServerVersion(3, 5, 9), ServerVersion(3, 8, 0)] {
            let slow = Self.text(try await Self.judge(ServerVersion(3, 6, 3), version, edit: longer).faults)
            let quick = Self.text(try await Self.judge(ServerVersion(3, 6, 3), version).faults)
            #expect(slow.contains("ZOOKEEPER-3109") == (version.description == "3.5.9"), "\(slow)")
            #expect(!quick.contains("ZOOKEEPER-3109"), "\(quick)")
        }
    }

    @Test("several addresses in a server line are refused beside a 3.5, which cannot read them")
    func multiAddress() async throws {
        let edit: (inout ModelEnsemble) -> Void = { model in
            model.edit("d5", "# kept", "multiAddress.enabled=true")
        }
        let mixed = Self.text(
            try await Self.judge(ServerVersion(3, 5, 10), ServerVersion(3, 8, 0), edit: edit).faults
        )
        #expect(mixed.hasPrefix("never: ") && mixed.contains("ZOOKEEPER-3720"), "\(mixed)")
        let plain = Self.text(try await Self.judge(ServerVersion(3, 5, 10), ServerVersion(3, 8, 0)).faults)
        #expect(!plain.contains("ZOOKEEPER-3720"), "\(plain)")
    }

    @Test("a destination that is older than the source is refused; what was never tried is a warning")
    func pairs() async throws {
        let backwards = Self.text(try await Self.judge(ServerVersion(3, 8, 0), ServerVersion(3, 6, 3)).pair)
        #expect(backwards.hasPrefix("never: ZooKeeper 3.8.0 becomes 3.6.3, an older version"), "\(backwards)")
        let unseen = Self.text(try await Self.judge(ServerVersion(3, 9, 2), ServerVersion(4, 0, 0)).pair)
        #expect(unseen.hasPrefix("warns: ") && unseen.contains("never tried"), "\(unseen)")
        let dormant = Self.text(try await Self.judge(ServerVersion(3, 8, 0), nil).pair)
        #expect(dormant.hasPrefix("holds: ") && dormant.contains("when it has joined"), "\(dormant)")
    }

    /// What is said of a cluster one of whose brokers runs this Kafka and asks for a session of so many milliseconds.
    private static func judge(
        kafka version: String,
        session: Int,
        source: ServerVersion = ServerVersion(3, 8, 0)
    ) async throws -> String {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        let host = try #require(HostName("k2"))
        fleet.change { model in
            model.brokers.versions[host] = .some(ServerVersion(version))
            model.editBroker("k2", "# kept", "zookeeper.session.timeout.ms=\(session)")
            for server in plan.source { model.make(server.host.description) { $0.version = source } }
        }
        let survey = await Survey.take(of: plan, through: fleet)
        let brokers = try #require(plan.kafka?.brokers.map(\.host))
        var view = FleetView(hosts: await fleet.observe(plan.servers.map(\.host) + brokers))
        let parsed = ParserReply(version: ServerVersion(3, 8, 0), refusals: [], obstacle: nil)
        for server in plan.destination { view.parsers[server.host] = .success(parsed) }
        let subject = SurveyedPlan(plan: plan, survey: survey)
        return text(Check.knownFaults(subject).gate.judge(view, RunFacts()))
    }

    @Test(
        "a broker whose Kafka does not outlive the loss of its session is refused where the session is short"
    )
    func brokers() async throws {
        let short = try await Self.judge(kafka: "2.7.0", session: 6000)
        #expect(short.hasPrefix("never: KAFKA-14887 on broker 2 (k2), Kafka 2.7.0: "), "\(short)")
        #expect(
            short.contains("its session is 6000 ms, 10000 ms are needed") && !short.contains("KAFKA-5473")
        )
        let old = try await Self.judge(kafka: "0.8.1.1", session: 6000)
        #expect(
            old.hasPrefix("never: KAFKA-5473 on broker 2 (k2), Kafka 0.8.1") && !old.contains("KAFKA-7165")
        )
        let stale = try await Self.judge(kafka: "2.1.1", session: 6000, source: ServerVersion(3, 4, 6))
        #expect(stale.hasPrefix("never: KAFKA-7165 on broker 2 (k2)"), "\(stale)")
        for (version, session) in [("2.7.0", 10_000), ("2.1.1", 6000), ("3.4.1", 6000)] {
            let said = try await Self.judge(kafka: version, session: session)
            let expected = Set([version, "3.4.1"]).sorted().joined(separator: ", ")
            #expect(said.hasPrefix("holds: ") && said.hasSuffix("Kafka \(expected)"), "\(said)")
        }
        let controller = try await Self.judge(kafka: "3.0.0", session: 18_000)
        #expect(controller.hasPrefix("warns: KAFKA-13461 on broker 2 (k2)"), "\(controller)")
    }

    @Test("Confluent's numbers are judged as the Kafka that they are, and what is not known is a warning")
    func confluent() async throws {
        for (version, kafka) in [
            ("7.3.0-ccs", "3.3.0"), ("7.4.5-ce", "3.4.0"), ("6.1.1-ccs", "2.7.0"), ("6.2.0-ce", "2.8.0"),
        ] {
            let short = try await Self.judge(kafka: version, session: 6000)
            #expect(short.hasPrefix("never: KAFKA-14887 on broker 2 (k2), Kafka \(kafka): "), "\(short)")
        }
        for (version, kafka) in [("7.5.0-ccs", "3.5.0"), ("5.5.1-ccs", "2.5.0"), ("5.3.0-ce", "2.3.0")] {
            let said = try await Self.judge(kafka: version, session: 6000)
            #expect(said.hasPrefix("holds: ") && said.contains("Kafka "), "\(said)")
            #expect(said.contains(kafka), "\(said)")
        }
        // Kafka 0.11 has another number there, and of what comes later nothing is known.
        for version in ["3.3.0-ccs", "8.0.0-ce", "6.3.0-ccs", "9"] {
            let other = try await Self.judge(kafka: version, session: 6000)
            #expect(other.hasPrefix("warns: which Kafka they are is not known of k2, "), "\(other)")
        }
    }

    @Test("a side none of whose versions shows is a warning, one of which some show is none")
    func unknownSide() async throws {
        let dormant = Self.text(try await Self.judge(ServerVersion(3, 8, 0), nil).faults)
        #expect(
            dormant.hasPrefix("warns: which ZooKeeper the destination is, is not known of any"),
            "\(dormant)"
        )
        let joined = Self.text(try await Self.judge(ServerVersion(3, 8, 0), ServerVersion(3, 8, 0)).faults)
        #expect(joined.hasPrefix("holds: "), "\(joined)")
    }

    @Test("`mitosis plan` says what both sides' versions are and mean, and of whom none is known")
    func planned() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: .observers)
        let fleet = ModelFleet(plan: plan)
        let subject = SurveyedPlan(plan: plan, survey: await Survey.take(of: plan, through: fleet))
        let outlook = await subject.outlook(through: fleet, fleet)
        #expect(outlook.versions.hasPrefix("ZooKeeper 3.8.0 stays: seen in the matrix"))
        #expect(
            outlook.window.hasPrefix("expected window 1990 ms: 320 ms of work + 1470 ms"),
            "\(outlook.window)"
        )
        #expect(outlook.window.contains("guessed from 10 MB of data"), "\(outlook.window)")
        fleet.change { model in
            for host in ["d4", "d5", "d6"] { model.make(host) { $0.version = ServerVersion(3, 6, 3) } }
        }
        let older = await subject.outlook(through: fleet, fleet).versions
        #expect(older.hasPrefix("refused: ZooKeeper 3.8.0 becomes 3.6.3"), "\(older)")
        fleet.change { model in
            for host in ["d4", "d5", "d6"] { model.make(host) { $0.parserObstacle = "no Java" } }
        }
        let unknown = await subject.outlook(through: fleet, fleet).versions
        #expect(
            unknown.contains("judged when it has joined") && unknown.hasSuffix("(not known of d4, d5, d6)")
        )
        fleet.change { model in for host in ["s1", "s2", "s3"] { model.make(host) { $0.isSilent = true } } }
        #expect(await subject.outlook(through: fleet, fleet).window.hasPrefix("not known: no source host"))
    }

    @Test(
        "a pair is seen by its minor versions, between two that were seen, or neither; an older release is never seen"
    )
    func meanings() throws {
        let seen = VersionPair.read(
            "3.4.6 3.4.6 observers\n3.4.6 3.8.0 observers\n3.8.0 3.8.0 participants\n"
        )
        #expect(seen.count == 3)
        func meaning(_ source: String, _ destination: String, _ strategy: MigrationPlan.Strategy) throws
            -> VersionPair.Meaning
        {
            VersionPair(
                source: try #require(ZooKeeperVersion(source)),
                destination: try #require(ZooKeeperVersion(destination)),
                strategy: strategy
            )
            .meaning(among: seen)
        }
        #expect(try meaning("3.4.14", "3.8.4", .observers) == .seen)
        #expect(try meaning("3.4.14", "3.6.3", .observers) == .between)
        #expect(try meaning("3.4.14", "3.9.2", .observers) == .untried)
        #expect(try meaning("3.4.14", "3.8.0", .participants) == .untried)
        #expect(try meaning("3.8.0", "3.6.3", .participants) == .backwards)
        #expect(try meaning("3.8.0", "3.8.0", .participants) == .seen)
        #expect(try meaning("3.8.0", "3.8.4", .participants) == .seen)
        #expect(try meaning("3.8.4", "3.8.0", .participants) == .olderRelease)
        #expect(try meaning("3.4.14", "3.4.6", .observers) == .olderRelease)
        #expect(try meaning("3.5.8", "3.5.5", .observers) == .olderRelease)
        #expect(try meaning("3.5.8", "3.5.4", .observers) == .backwards)
    }
}
