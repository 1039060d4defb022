internal import FoundationEssentials

extension Lab {
    /// Fetches Kafka if the lab has brokers, and records which it is.
    func prepareKafka() async throws(LabError) -> KafkaDistribution? {
        guard configuration.brokers > 0 else { return nil }
        for (path, package) in [
            ("/usr/share/java/log4j-1.2.jar", "liblog4j1.2-java"),
            ("/usr/share/java/slf4j-log4j12.jar", "libslf4j-java"),
        ] where !FileManager.default.fileExists(atPath: path) {
            throw .missing(program: path, remedy: "apt-get install \(package)")
        }
        let kafka = try await KafkaDistribution.prepare(report: report)
        try RecordFile.write(kafka, at: layout.kafka)
        return kafka
    }

    /// The Kafka that the lab was set up with.
    package func kafka() throws(LabError) -> KafkaDistribution {
        guard let kafka = try RecordFile.read(KafkaDistribution.self, at: layout.kafka) else {
            throw .invalid(reason: "the lab in \(layout.root) has no brokers: set it up with --brokers 3")
        }
        return kafka
    }

    func writeBroker(_ host: LabHost, _ kafka: KafkaDistribution) throws(LabError) {
        let files = layout.host(host)
        let view = view(of: host)
        for folder in files.folders(for: .kafka) { try Folder.make(folder) }
        let text = KafkaServer.properties(
            of: host,
            in: configuration,
            version: kafka.version,
            data: view.kafkaData
        )
        try Folder.write(text, to: files.kafkaConfiguration)
        try Folder.write(KafkaServer.logging, to: files.kafkaLogging)
        let command = kafka.brokerCommand(
            configuration: view.kafkaConfiguration,
            logging: view.kafkaLogging
        )
        try write(HostProgram(name: .kafka, command: command), of: host, folders: kafka.folders)
    }

    /// Starts the brokers one after another, each when the last is registered, and makes the topic.
    func startBrokers(_ kafka: KafkaDistribution) async throws {
        report("Kafka \(kafka.version): starting the brokers on \(names(configuration.brokerHosts))")
        try await makeChroot()
        for (index, host) in configuration.brokerHosts.enumerated() {
            try await startKafka(on: host)
            do {
                try await waitUntilRegistered(index + 1, seconds: 60)
            } catch {
                let log = said(layout.host(host).log(of: .kafka))
                throw LabError.failed(
                    step: "starting Kafka on \(host.name)",
                    diagnostics: "\(error); its log ends: \(log)"
                )
            }
        }
        let command = kafka.topicCommand(
            KafkaServer.topic,
            partitions: KafkaServer.partitions,
            replicas: min(3, configuration.brokers),
            zooKeeper: KafkaServer.connectString(
                configuration.sourceHosts,
                chroot: configuration.chroot
            ),
            broker: "\(configuration.brokerHosts[0].ipv4):\(KafkaServer.port)"
        )
        let outcome = try await run(command, on: configuration.client)
        guard outcome.succeeded else {
            throw LabError.failed(
                step: "making the topic \(KafkaServer.topic)",
                diagnostics: outcome.diagnostics
            )
        }
        try await waitUntilReplicated(seconds: 60)
    }

    /// The side that the brokers' configuration names: the destination once one of its servers is in it.
    package func brokerSide() throws(LabError) -> LabHost.Side {
        guard let broker = configuration.brokerHosts.first else { return .source }
        let lines = try Folder.read(layout.host(broker).kafkaConfiguration).split(separator: "\n")
        let connect = lines.last { $0.hasPrefix("zookeeper.connect=") } ?? ""
        let moved = configuration.destinationHosts.contains { connect.contains($0.clientAddress) }
        return moved ? .destination : .source
    }

    package func startKafka(on host: LabHost) async throws(LabError) {
        try await service("start", .kafka, on: host)
    }

    /// Returns when the broker has ended.
    package func stopKafka(on host: LabHost) async throws(LabError) {
        try await service("stop", .kafka, on: host)
    }
}
