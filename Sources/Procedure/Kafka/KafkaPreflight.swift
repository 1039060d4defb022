import ControlProtocol
import Planning
import Topology

/// What must be seen of Kafka before anything changes. The numbers are rows of the trap table in docs/procedure.md.
extension KafkaProcedure {
    /// Seconds that the division took clients in measured runs, quietest to busiest.
    private static var expectedWindow: ClosedRange<Int> { 2...8 }
    /// Milliseconds that a client needs to find the new leader, at the least: below it, no session can be kept.
    private static var shortestSession: Int { 2000 }
    /// Kafka's default before 2.5; 18 s since. Which version a broker is, its file does not say.
    private static var defaultSession: Int { 6000 }

    var brokersAnswer: Gate {
        Gate(
            "every broker's agent answers, its service runs, its file is unchanged since it was read",
            hosts: brokers.map(\.host),
            deadline: .seconds(15)
        ) { [brokers, survey] fleet, _ in
            for broker in brokers {
                if let silence = fleet.unanswered(broker.host) { return .waiting(reason: silence) }
                guard let status = fleet.status(broker.host) else { continue }
                guard status.protocolVersion == ControlProtocolVersion.current else {
                    return .never(
                        reason: "\(broker.host): its agent speaks protocol \(status.protocolVersion), this "
                            + "program \(ControlProtocolVersion.current); install the same version everywhere"
                    )
                }
                guard let state = fleet.service(broker.service, on: broker.host) else {
                    return .never(
                        reason: "\(broker.host): its agent's configuration does not allow \(broker.service); add it "
                            + "to 'services', or correct line \(broker.line) of the plan"
                    )
                }
                guard case .running = state else {
                    return .waiting(reason: "\(broker.name): \(broker.service) \(state.sentence)")
                }
                let found = fleet.file(broker.configPath, on: broker.host)?.digest
                guard let found, found == survey.kafka?.file(of: broker.host)?.digest else {
                    return .never(
                        reason: "\(broker.host): \(broker.configPath) changed since it was read; start again"
                    )
                }
            }
            return .holds(observed: "\(brokers.count) brokers run")
        }
    }

    /// Traps 12 and 13, as far as files tell: judged on the survey, nothing is asked.
    var brokerFilesSuit: Gate {
        let problems = brokers.flatMap(fileProblems)
        return Gate(
            "every zookeeper.connect names several source servers and the plan's chroot",
            hosts: [],
            deadline: .seconds(1)
        ) { [plan, brokers] _, _ in
            guard problems.isEmpty else { return .never(reason: problems.joined(separator: "\n")) }
            return .holds(
                observed: "\(brokers.count) files read; next: "
                    + plan.seeds.map { "\($0.address):\($0.clientPort)" }.joined(separator: ",")
            )
        }
    }

    private func fileProblems(of broker: PlannedBroker) -> [String] {
        let place = "\(broker.name): \(broker.configPath)"
        guard let file = survey.kafka?.file(of: broker.host) else { return ["\(place) was not read"] }
        let properties: ServerProperties
        do throws(KafkaFileError) {
            properties = try ServerProperties(file.content)
            _ = try rewritten(file)
        } catch {
            return ["\(place): \(error)"]
        }
        return (connectProblems(properties.zookeeperConnect) + idProblems(of: broker, properties))
            .map { "\(place): \($0)" }
    }

    private func connectProblems(_ connect: ConnectString) -> [String] {
        var problems: [String] = []
        if connect.isSingleServer {
            problems.append(
                "zookeeper.connect=\(connect) names one server only: the broker loses its session whenever that one "
                    + "restarts; name several source servers and restart the broker first"
            )
        }
        if seedString(connect)?.isSingleServer ?? true {
            problems.append("the plan has one seed only, which would become a single-server zookeeper.connect")
        }
        if connect.chroot != kafka.chroot {
            problems.append(
                "zookeeper.connect has \(Self.named(connect.chroot)), the plan \(Self.named(kafka.chroot)) (line "
                    + "\(kafka.line)); correct whichever is wrong"
            )
        }
        let strangers = connect.servers.filter { server in !plan.source.contains { Self.is($0, server) } }
        if !strangers.isEmpty {
            problems.append(
                "zookeeper.connect names \(strangers.map(\.description).joined(separator: ", ")), which is no source "
                    + "server of the plan ("
                    + plan.source.map { "\($0.address):\($0.clientPort)" }.joined(separator: ", ")
                    + "); use the plan's addresses, and see that it is the same ensemble"
            )
        }
        return problems
    }

    private func idProblems(of broker: PlannedBroker, _ properties: ServerProperties) -> [String] {
        var known = [properties.brokerID.map { ("broker.id", $0) }].compactMap(\.self)
        var problems: [String] = []
        for meta in survey.kafka?.metas(of: broker.host) ?? [] {
            guard let content = meta.content else { continue }
            do throws(KafkaFileError) {
                if let id = try KafkaMeta(content).brokerID { known.append((meta.path, id)) }
            } catch {
                problems.append("\(meta.path): \(error)")
            }
        }
        for (place, id) in known where id != broker.id {
            problems.append("\(place) says broker \(id), the plan \(broker.id) (line \(broker.line))")
        }
        if known.isEmpty {
            problems.append("neither broker.id nor meta.properties says which broker it is; set broker.id")
        }
        return problems
    }

    private static func named(_ chroot: String) -> String {
        chroot.isEmpty ? "no chroot" : "the chroot \(chroot)"
    }

    private static func `is`(_ server: PlannedServer, _ named: ConnectString.Server) -> Bool {
        guard server.clientPort == named.port else { return false }
        if named.host.lowercased() == server.address.lowercased() { return true }
        return IPAddress(named.host).map { server.allAddresses.contains($0) } ?? false
    }

    /// Trap 10: what each broker asks for, as the destination's servers clamp it, against the window.
    var sessionsFit: Gate {
        let sessions = brokers.map { ($0.name, effectiveSession(of: $0)) }
        let shortest = sessions.map(\.1).min() ?? 0
        let window = Self.expectedWindow
        let text =
            sessions.map { "\($0.0) \($0.1) ms" }.joined(separator: ", ")
            + "; expected window \(window.lowerBound) to \(window.upperBound) s, after it each broker has one such "
            + "timeout to come back"
        return Gate("session timeouts, as the servers clamp them", hosts: [], deadline: .seconds(1)) { _, _ in
            if shortest < Self.shortestSession {
                return .never(
                    reason: "\(text): less than \(Self.shortestSession) ms cannot be kept; raise "
                        + "zookeeper.session.timeout.ms, or tickTime or maxSessionTimeout of the servers"
                )
            }
            if shortest < Self.defaultSession {
                return .warns(observed: "\(text): short; raise zookeeper.session.timeout.ms if you can")
            }
            return .holds(observed: text)
        }
    }

    func effectiveSession(of broker: PlannedBroker) -> Int {
        let asked = survey.kafka?.file(of: broker.host).flatMap { file -> Int? in
            do throws(KafkaFileError) { return try ServerProperties(file.content).sessionTimeout } catch {
                return nil
            }
        }
        let clamped = plan.destination.compactMap { server -> Int? in
            guard let file = survey.file(of: server.host) else { return nil }
            do throws(ZooConfigurationError) {
                let limits = try ZooConfiguration(file.content)
                return min(max(asked ?? Self.defaultSession, limits.minSessionTimeout), limits.maxSessionTimeout)
            } catch {
                return nil
            }
        }
        return clamped.min() ?? asked ?? Self.defaultSession
    }

    /// Trap 13: the cluster in this ensemble is the one whose data the brokers hold.
    var isTheOneMeant: Gate {
        Gate(
            "/cluster/id is in every broker's meta.properties",
            hosts: [],
            deadline: .seconds(15),
            kafka: fromSource
        ) { [brokers, survey] fleet, _ in
            guard let cluster = fleet.kafka else {
                return .waiting(reason: fleet.kafkaSilence ?? "Kafka was not read")
            }
            if cluster.isLeavingZooKeeper {
                return .never(reason: "the cluster is being moved to KRaft; finish that, or take it back, first")
            }
            guard let id = cluster.id else {
                return .holds(observed: "no /cluster/id, as before Kafka 0.10.1")
            }
            var seen = 0
            for meta in brokers.flatMap({ survey.kafka?.metas(of: $0.host) ?? [] }) {
                if let refusal = meta.refusal {
                    return .never(
                        reason: "\(meta.host): \(meta.path) cannot be compared with /cluster/id (\(refusal)); add it "
                            + "to the agent's 'files'"
                    )
                }
                guard let content = meta.content else { continue }
                switch Self.clusterID(content) {
                case .success(let found?) where found != id:
                    return .never(
                        reason: "\(meta.host): \(meta.path) has cluster.id \(found), but /cluster/id is \(id): this "
                            + "is another cluster's ensemble or chroot"
                    )
                case .success(.some): seen += 1
                case .success(nil): break
                case .failure(let error): return .never(reason: "\(meta.host): \(meta.path): \(error)")
                }
            }
            return .holds(observed: "cluster \(id), in \(seen) meta.properties")
        }
    }

    private static func clusterID(_ content: some Collection<UInt8>) -> Result<String?, KafkaFileError> {
        do throws(KafkaFileError) { return .success(try KafkaMeta(content).clusterID) } catch {
            return .failure(error)
        }
    }
}

extension ServiceState {
    /// As the end of a sentence about a service.
    var sentence: String {
        switch self {
        case .running(let pid): "runs (pid \(pid))"
        case .changing: "is being started or stopped"
        case .stopped: "is stopped"
        case .failed(let reason): "has failed: \(reason)"
        }
    }
}
