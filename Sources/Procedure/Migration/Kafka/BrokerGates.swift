import ControlProtocol
import Fleet
import FoundationEssentials
import KafkaMetadata
import Settings
import Topology

/// Gates on brokers: registrations, replicas, files. *Measured*: ids are complete seconds before the ISR is, and
/// leaders do not move back at once, so that leaders are not looked at.
extension KafkaProcedure {
    /// All brokers registered, nothing under-replicated, nothing being moved; several reads in a row.
    func healthy(from source: KafkaSource) -> Gate {
        Gate(
            "Kafka: \(brokers.count) brokers registered, 0 under-replicated partitions, \(kafka.reads) reads in a row",
            hosts: brokers.map(\.host),
            deadline: kafka.deadline,
            looks: kafka.reads,
            interval: kafka.interval,
            kafka: source
        ) { fleet, _ in
            switch ailment(fleet, from: source) {
            case .none:
                .holds(observed: "\(brokers.count) brokers registered, 0 under-replicated partitions")
            case .some(.passing(let reason)): .waiting(reason: reason)
            case .some(.lasting(let reason)): .never(reason: reason)
            }
        }
    }

    /// What keeps the next broker from being touched.
    enum Ailment {
        case passing(String)
        /// Waiting will not help.
        case lasting(String)

        var reason: String {
            switch self {
            case .passing(let reason), .lasting(let reason): reason
            }
        }
    }

    /// A broker whose service does not run.
    static func ailment(of broker: PlannedBroker, _ state: ServiceState) -> Ailment? {
        let said = "\(broker.name): \(broker.service) \(state.sentence)"
        return switch state {
        case .running: nil
        case .changing: .passing(said)
        case .stopped, .failed: .lasting(said)
        }
    }

    func ailment(_ fleet: FleetView, from source: KafkaSource) -> Ailment? {
        for broker in brokers {
            if let silence = fleet.unanswered(broker.host) { return .passing(silence) }
            guard let state = fleet.service(broker.service, on: broker.host) else {
                return .passing("\(broker.name): its agent does not know \(broker.service)")
            }
            switch Self.ailment(of: broker, state) {
            case nil: break
            case .passing(let said): return .passing(said)
            case .lasting(let said):
                return .lasting(
                    "\(said); no other broker is touched: see its log, bring it back, then go on"
                )
            }
        }
        guard let cluster = fleet.kafka(from: source) else {
            return .passing(fleet.kafkaSilence(of: source))
        }
        return faults(of: cluster).first.map { .passing($0) }
    }

    /// Everything that keeps a broker from being touched, as ZooKeeper has it.
    func faults(of cluster: KafkaCluster) -> [String] {
        var faults: [String] = []
        let missing = brokers.filter { cluster.brokers[$0.id] == nil }
        if !missing.isEmpty {
            faults.append(
                missing.map(\.name).joined(separator: ", ")
                    + " not registered in ZooKeeper; no other broker is "
                    + "touched meanwhile: see its log, bring it back, then go on"
            )
        }
        let strangers = cluster.brokers.keys.filter { kafka.broker($0) == nil }.sorted()
        if !strangers.isEmpty {
            faults.append(
                "registered, but not in the plan: broker "
                    + strangers.map { id in
                        cluster.brokers[id]?.host.map { "\(id) (\($0))" } ?? id.description
                    }.joined(separator: ", ") + "; list every broker of the cluster, or stop it"
            )
        }
        let under = cluster.underReplicated
        if !under.isEmpty {
            faults.append(
                "\(under.count) under-replicated partitions: " + Self.some(under.map(\.description))
            )
        }
        if !cluster.reassignments.isEmpty {
            faults.append(
                "\(cluster.reassignments.count) partitions are being reassigned: "
                    + Self.some(cluster.reassignments) + "; let that finish first"
            )
        }
        if faults.isEmpty, cluster.controller == nil { faults.append("no broker is the controller") }
        return faults
    }

    private static func some(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", ..." : "")
    }

    /// At least so many brokers have the seeds in their file and run with it.
    ///
    /// A new registration by a session that was opened at a seed: the broker that ran before knew no seed.
    func repointed(atLeast count: Int) -> Gate {
        Gate(
            "\(count) of \(brokers.count) brokers have a new registration, by a session opened at a seed",
            hosts: brokers.map(\.host),
            deadline: kafka.deadline,
            interval: kafka.interval,
            kafka: fromJoint
        ) { fleet, facts in
            let moved = brokers.filter { isRepointed($0, fleet, facts) }
            if let ailment = ailment(fleet, from: fromJoint) {
                switch ailment {
                case .lasting(let reason): return .never(reason: reason)
                case .passing(let reason) where moved.count < count: return .waiting(reason: reason)
                case .passing: break
                }
            }
            guard moved.count >= count else {
                let others = brokers.filter { broker in !moved.contains { $0.id == broker.id } }
                return .waiting(
                    reason: "\(moved.count) of \(brokers.count) brokers moved; not yet "
                        + others.map { "\($0.name): \(place($0, fleet, from: fromJoint))" }
                        .joined(separator: ", ")
                )
            }
            return .holds(observed: "\(moved.count) of \(brokers.count) brokers at the seeds")
        }
    }

    /// As the joint ensemble has it.
    func isRepointed(_ broker: PlannedBroker, _ fleet: FleetView, _ facts: RunFacts) -> Bool {
        guard let digest = newDigest(of: broker),
            fleet.file(broker.configPath, on: broker.host)?.digest == digest,
            let registered = fleet.kafka(from: fromJoint)?.brokers[broker.id],
            let origin = registered.session?.origin, plan.seeds.contains(where: { $0.id == origin })
        else { return false }
        guard let old = facts.replacedRegistrations[broker.id.description] else { return true }
        return Zxid(hexadecimal: old).map { registered.czxid > $0 } ?? false
    }

    func newDigest(of broker: PlannedBroker) -> String? {
        guard let file = survey.kafka?.file(of: broker.host) else { return nil }
        do throws(KafkaFileError) {
            return ContentDigest.sha256(.init(try repointed.content(of: file)))
        } catch {
            // The preflight has refused this file.
            return nil
        }
    }

    func place(_ broker: PlannedBroker, _ fleet: FleetView, from source: KafkaSource) -> String {
        guard let registered = fleet.kafka(from: source)?.brokers[broker.id] else {
            return "not registered"
        }
        guard let origin = registered.session?.origin else { return "registered" }
        return "registered since \(registered.czxid), session opened at server \(origin)"
    }
}
