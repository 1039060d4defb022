package import ControlProtocol
package import Fleet
package import FoundationEssentials
package import Topology

/// What a gate has to see, besides the hosts' own statuses.
///
/// Probes are made first, so that statuses show what they did to the counters of the walls; questions that depend on what
/// the statuses show come last.
package struct Look: Sendable {
    /// Hosts whose status is asked for.
    package var hosts: [HostName]
    /// Whether hosts may take a second to answer, if their servers do not serve before.
    package var awaitsServing = false
    /// Connections to try, by the host that tries them.
    package var probes: [HostName: [ProbeTarget]]
    /// Which ZooKeepers to ask about Kafka, one after another.
    package var kafka: [KafkaSource]
    /// Transactions to look up in the history of servers.
    package var histories: [HistoryQuestion]
    /// Canaries to write and look for, one after another.
    package var canaries: [CanaryQuestion]
    /// Clients to look for, one question after another.
    package var census: [CensusQuestion] = []
    /// Which writes on the source to look for; nil when the facts do not tell.
    package var wrongSide: WritesQuestion?
    /// Proofs to be made, one after another, when all else was seen.
    package var proofs: [ProofOrder]
    /// Walls that the agents' backends shall judge without putting them up.
    package var walls: [HostName: [Wall]]
    /// Configuration files about which the servers' own parsers are asked.
    package var files: [HostName: [Data]] = [:]
    /// Whether to see when this program's own certificates end.
    package var ownCredentials: Bool

    package typealias HistoryQuestion = @Sendable (FleetView, RunFacts) -> [HostName: [Zxid]]
    package typealias WritesQuestion = @Sendable (RunFacts) -> WrongSide?
    package typealias ProofOrder = @Sendable (RunFacts) -> ProofQuestion

    package init(
        hosts: [HostName] = [],
        probes: [HostName: [ProbeTarget]] = [:],
        kafka: KafkaSource? = nil,
        histories: HistoryQuestion? = nil,
        canary: CanaryQuestion? = nil,
        proof: ProofOrder? = nil,
        census: CensusQuestion? = nil,
        wrongSide: WritesQuestion? = nil,
        walls: [HostName: Wall] = [:],
        ownCredentials: Bool = false
    ) {
        self.hosts = hosts
        self.probes = probes
        self.kafka = kafka.map { [$0] } ?? []
        self.histories = histories.map { [$0] } ?? []
        canaries = canary.map { [$0] } ?? []
        proofs = proof.map { [$0] } ?? []
        self.census = census.map { [$0] } ?? []
        self.wrongSide = wrongSide
        self.walls = walls.mapValues { [$0] }
        self.ownCredentials = ownCredentials
    }

    /// Whether what is seen by this shows what the other wants to see; questions that change something, or take long, are
    /// always asked anew.
    func shows(all other: Look) -> Bool {
        guard other.kafka.isEmpty, other.histories.isEmpty, other.canaries.isEmpty, other.walls.isEmpty,
            other.proofs.isEmpty, other.census.isEmpty, other.wrongSide == nil, other.files.isEmpty,
            !other.ownCredentials, !other.awaitsServing
        else { return false }
        return Set(hosts).isSuperset(of: other.hosts)
            && other.probes.allSatisfy { Set(probes[$0.key] ?? []).isSuperset(of: $0.value) }
    }

    /// Everything that either wants to see: every question is asked, one that both have is asked once.
    package func merging(_ other: Look) -> Look {
        var both = self
        let known = Set(hosts)
        both.hosts += other.hosts.filter { !known.contains($0) }
        for (host, targets) in other.probes {
            let asked = Set(both.probes[host] ?? [])
            both.probes[host, default: []] += targets.filter { !asked.contains($0) }
        }
        both.kafka += other.kafka.filter { !kafka.contains($0) }
        both.histories += other.histories
        both.canaries += other.canaries.filter { !canaries.contains($0) }
        both.proofs += other.proofs
        both.census += other.census.filter { !census.contains($0) }
        both.wrongSide = wrongSide ?? other.wrongSide
        both.walls.merge(other.walls) { first, second in first + second.filter { !first.contains($0) } }
        both.files.merge(other.files) { first, _ in first }
        both.awaitsServing = awaitsServing || other.awaitsServing
        both.ownCredentials = ownCredentials || other.ownCredentials
        return both
    }
}
