/// What ZooKeeper says of the lab's Kafka cluster.
package struct KafkaState: Codable, Sendable, Hashable {
    /// A registered broker.
    package struct Broker: Codable, Sendable, Hashable {
        package let id: Int
        package let address: String
        /// The zxid that its node was created with: a restarted broker has a higher one.
        package let created: Int64
        /// The session that its node belongs to.
        package let owner: String
    }

    /// A partition and who has it.
    package struct Partition: Codable, Sendable, Hashable {
        package let topic: String
        package let number: Int
        package let replicas: [Int]
        package let leader: Int
        package let inSync: [Int]
    }

    package let brokers: [Broker]
    package let controller: Int?
    package let partitions: [Partition]

    /// The partitions of which a replica is out of sync, or its broker not registered.
    package var underReplicated: [Partition] {
        let there = Set(brokers.map(\.id))
        return partitions.filter { !Set($0.replicas).isSubset(of: there.intersection($0.inSync)) }
    }
}

extension Lab {
    /// Reads the cluster's state through the source's servers, or those of another side.
    package func kafkaState(_ side: LabHost.Side = .source) async throws(LabError) -> KafkaState {
        let outcome = try await brokersScript(["state"], side)
        guard outcome.succeeded else {
            throw .failed(step: "reading the brokers' nodes", diagnostics: outcome.diagnostics)
        }
        return try decode(KafkaState.self, outcome.output, "the brokers' nodes")
    }

    /// Returns when at least that many brokers are registered.
    package func waitUntilRegistered(_ count: Int, on side: LabHost.Side = .source, seconds: Int)
        async throws(LabError)
    {
        try await wait(["--registered", String(count)], "\(count) brokers registered", side, seconds)
    }

    /// Returns when every broker is registered and every replica of the topic is in sync.
    package func waitUntilReplicated(on side: LabHost.Side = .source, seconds: Int) async throws(LabError) {
        let wanted = ["--replicated", "--registered", String(configuration.brokers)]
        try await wait(wanted, "every replica in sync", side, seconds)
    }

    /// Makes the cluster's node, which 0.8.1 does not make itself.
    func makeChroot() async throws(LabError) {
        guard !configuration.chroot.isEmpty else { return }
        let outcome = try await brokersScript(["chroot"], .source)
        guard outcome.succeeded else {
            throw .failed(step: "making \(configuration.chroot)", diagnostics: outcome.diagnostics)
        }
    }

    private func wait(_ condition: [String], _ what: String, _ side: LabHost.Side, _ seconds: Int)
        async throws(LabError)
    {
        let outcome = try await brokersScript(["state"] + condition + ["--seconds", String(seconds)], side)
        guard outcome.succeeded else {
            throw .late(what: what, seconds: seconds, seen: outcome.errors + outcome.output)
        }
    }

    private func brokersScript(_ arguments: [String], _ side: LabHost.Side) async throws(LabError)
        -> Tool.Outcome
    {
        let servers = configuration.hosts(of: side).map(\.clientAddress).joined(separator: ",")
        let place = ["--servers", servers, "--root", configuration.chroot]
        let argv = ["/usr/bin/python3", layout.script("brokers.py")] + arguments + place
        return try await run(argv, on: configuration.client)
    }
}
