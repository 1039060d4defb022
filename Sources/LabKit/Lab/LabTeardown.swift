internal import FoundationEssentials
private import Glibc
internal import SystemCalls

extension Lab {
    /// Ends what the records name, then whatever else lives in this lab's namespaces, then the namespaces.
    ///
    /// Tolerates every half-made state: a record without a process, a process without a record, a
    /// namespace of a lab that had other hosts.
    func removeRunning() async throws {
        let namespaces = try await leftNamespaces()
        try await endBrokers(in: namespaces)
        try await end(try recorded())
        for namespace in namespaces { try await end(try await inhabitants(of: namespace)) }
        for namespace in namespaces {
            let outcome = try await Tool(["ip", "netns", "delete", namespace]).outcome()
            guard outcome.succeeded else {
                throw LabError.failed(step: "removing \(namespace)", diagnostics: outcome.diagnostics)
            }
        }
        for group in try ControlGroup.left(startingWith: configuration.prefix + "-") {
            try await group.remove()
        }
    }

    /// The names of this lab's control groups that are there now.
    package func leftControlGroups() throws(LabError) -> [String] {
        try ControlGroup.left(startingWith: configuration.prefix + "-").map(\.name)
    }

    /// Every process that a record in the lab's folder names and that still runs.
    package func recorded() throws(LabError) -> [ProcessRecord] {
        var paths: [String] = []
        let hosts = layout.root + "/hosts"
        for host in try Folder.entries(hosts) {
            let files = HostLayout(root: "\(hosts)/\(host)")
            paths += [
                files.agentRecord, files.record(of: .zooKeeper), files.record(of: .kafka),
                files.record(of: .application),
                files.containerRecord,
            ]
        }
        paths += [LabHost.Side.source, .destination].map { layout.workloadRecord($0) }
        paths += KafkaWorkload.Role.allCases.map { layout.kafkaRecord($0) }
        var records: [ProcessRecord] = []
        for path in paths {
            if let record = try RecordFile.read(ProcessRecord.self, at: path), record.isRunning {
                records.append(record)
            }
        }
        return records
    }

    /// The names of this lab's namespaces that are there now, whatever hosts they were made for.
    package func leftNamespaces() async throws(LabError) -> [String] {
        try Folder.entries("/run/netns").filter {
            $0 == network.hub || $0.hasPrefix(configuration.prefix + "-")
        }
    }

    /// Every process whose network is that namespace: nobody else has business there.
    package func inhabitants(of namespace: String) async throws(LabError) -> [ProcessRecord] {
        let outcome = try await Tool(["ip", "netns", "pids", namespace]).outcome()
        // A name whose namespace is gone has no inhabitants.
        guard outcome.succeeded else { return [] }
        return outcome.output.split(separator: "\n").compactMap { Int32($0) }.compactMap {
            ProcessRecord(pid: $0)
        }
    }

    /// Stops brokers one at a time, while they have a ZooKeeper to say it to; every other way may hang them.
    ///
    /// Without one a broker waits for it until it is killed; with one it hands its partitions over, however busy the machine is.
    private func endBrokers(in namespaces: [String]) async throws {
        var brokers: [ProcessRecord] = []
        var haveZooKeeper = false
        for namespace in namespaces {
            for process in try await inhabitants(of: namespace) {
                let words = (KernelText.read("/proc/\(process.pid)/cmdline") ?? "").split(separator: "\0")
                if words.contains("kafka.Kafka") { brokers.append(process) }
                if words.contains(where: { $0.hasSuffix(".QuorumPeerMain") }) { haveZooKeeper = true }
            }
        }
        var grace = Duration.seconds(haveZooKeeper ? 60 : 10)
        for broker in brokers {
            let began = ContinuousClock.now
            try await broker.end(grace: grace)
            // One that had to be killed: what runs does not serve, and the others would wait in vain, too.
            if ContinuousClock.now - began >= grace { grace = .seconds(10) }
        }
    }

    private func end(_ processes: [ProcessRecord]) async throws {
        for process in processes { process.signal(SIGTERM) }
        for process in processes { try await process.end(grace: .seconds(5)) }
    }
}
