package import ControlProtocol
package import Fleet
package import KafkaMetadata
import Topology

/// What a ZooKeeper has of Kafka, or why it does not say.
package typealias KafkaAnswer = Result<KafkaCluster, KafkaReadingError>

/// What a host's own parser made of files, or why its agent does not say.
package typealias ParserAnswer = Result<ParserReply, FleetError>

/// One look at the fleet: every gate is judged on such a value and on nothing else.
package struct FleetView: Hashable, Sendable {
    package var hosts: [HostName: Observation]
    /// Answers to the probes a gate asked for, by the host that probed.
    package var probes: [HostName: [ProbeResult]]
    /// What each ZooKeeper that was asked has of Kafka, or why it did not answer.
    package var kafka: [KafkaSource: KafkaAnswer]
    /// What the histories of servers hold of the transactions a gate asked for.
    package var histories: [HostName: HistoryAnswer] = [:]
    package var canaries: [CanaryQuestion: CanaryAnswer] = [:]
    /// Who was seen to be connected, and to hold what.
    package var census: [CensusQuestion: CensusSighting] = [:]
    /// What was written on the source since the division.
    package var wrongSide: WrongSide?
    package var proofs: [ProofQuestion: ProofAnswer] = [:]
    /// Why a host's agent made no probes.
    package var probeErrors: [HostName: FleetError] = [:]
    /// What each host's backend made of the walls that it was shown.
    package var previews: [HostName: [Wall: PreviewAnswer]] = [:]
    /// What each host's own parser made of the files that it was shown.
    package var parsers: [HostName: ParserAnswer] = [:]
    /// When this program's own certificates end; nil when it was not asked.
    package var ownCredentials: CredentialExpiry?
    /// From before the hosts were asked until the last had answered, by this program's clock, Unix milliseconds.
    package var lookedAt: ClosedRange<Int64>?

    package init(
        hosts: [HostName: Observation] = [:],
        probes: [HostName: [ProbeResult]] = [:],
        kafka: [KafkaSource: KafkaAnswer] = [:]
    ) {
        self.hosts = hosts
        self.probes = probes
        self.kafka = kafka
    }

    /// What this ZooKeeper has of Kafka; nil when it was not asked, or did not answer.
    package func kafka(from source: KafkaSource) -> KafkaCluster? {
        switch kafka[source] {
        case .success(let cluster): cluster
        case .failure, nil: nil
        }
    }

    /// Why nothing is known from this ZooKeeper.
    package func kafkaSilence(of source: KafkaSource) -> String {
        switch kafka[source] {
        case .failure(let error): "\(error)"
        case .success, nil: "Kafka was not read"
        }
    }

    package func status(_ host: HostName) -> HostStatus? {
        switch hosts[host] {
        case .status(let status): status
        case .silent, nil: nil
        }
    }

    package func zookeeper(_ host: HostName) -> ZooKeeperStatus? { status(host)?.zookeeper }

    package func stats(_ host: HostName) -> ServerStats? { zookeeper(host)?.stats }

    /// Why a host cannot be judged, or nil when it can.
    package func silence(_ host: HostName) -> String? {
        switch hosts[host] {
        case .status(let status):
            status.zookeeper == nil ? "\(host): its agent's configuration names no ZooKeeper" : nil
        case .silent, nil: unanswered(host)
        }
    }

    /// Why nothing is known of a host, whatever runs on it.
    package func unanswered(_ host: HostName) -> String? {
        switch hosts[host] {
        case .status: nil
        case .silent(let reason): reason.hasPrefix("\(host): ") ? reason : "\(host): \(reason)"
        case nil: "\(host): not observed"
        }
    }

    /// Whether another look may soon show something else: a silent agent, a server on its way up or down.
    package func isUnsettled(_ host: HostName) -> Bool {
        guard let status = status(host) else { return true }
        guard let zookeeper = status.zookeeper else { return false }
        switch zookeeper.state {
        case .changing: return true
        case .stopped, .failed: return false
        case .running: break
        }
        switch zookeeper.serving {
        case .yes: return false
        case .looking: return true
        case .unreachable: return !zookeeper.serving.isSilenced
        }
    }

    package func named(_ service: String, on host: HostName) -> NamedService? {
        status(host)?.services.first { $0.name == service }
    }

    package func service(_ name: String, on host: HostName) -> ServiceState? { named(name, on: host)?.state }

    package func file(_ path: String, on host: HostName) -> FileState? {
        status(host)?.files.first { $0.path == path }
    }
}

extension ZooKeeperStatus {
    package var stats: ServerStats? {
        switch serving {
        case .yes(let stats): stats
        case .looking, .unreachable: nil
        }
    }

    package var pid: Int32? { state.pid }
}
