import ControlProtocol
import Settings
import Topology

/// Kafka's rows of the table of known faults.
extension SurveyedPlan {
    /// What the servers' own versions are seen by, and the brokers' statuses.
    var faultLook: Look {
        var look = parsing
        look.hosts += brokers.map(\.host)
        return look
    }

    private var brokers: [PlannedBroker] { plan.kafka?.brokers ?? [] }

    func remark(_ fault: KnownFault, onBrokersOf fleet: FleetView, _ remarks: inout Remarks) {
        for broker in brokers {
            guard let version = fleet.kafkaVersion(of: broker), fault.affects(version) else { continue }
            let text = "\(fault.name) on \(broker.name), Kafka \(version): \(fault.harm); \(fault.remedy)"
            let session = session(of: broker)
            let isShort = "\(text); its session is \(session) ms, \(Self.safeSession) ms are needed"
            switch fault.verdict {
            case .refuse: remarks.refuse(text)
            case .warn: remarks.warn(text)
            case .session: if session < Self.safeSession { remarks.refuse(isShort) }
            case .staleSession:
                if session < Self.safeSession, keepsEphemerals(fleet) { remarks.refuse(isShort) }
            case .slowLimits, .multiAddress, .check, .procedure: break
            }
        }
    }

    /// What runs and does not show of which version it is could have any fault; what does not run is another check's.
    func remarkUnknownVersions(_ fleet: FleetView, _ remarks: inout Remarks) {
        for (side, servers) in [("source", plan.source), ("destination", plan.destination)]
        where servers.allSatisfy({ fleet.zookeeper($0.host) != nil && fleet.version(of: $0.host) == nil }) {
            remarks.warn(
                "which ZooKeeper the \(side) is, is not known of any of its servers, so that no fault of its was looked for"
            )
        }
        let unknown = brokers.filter {
            fleet.service($0.service, on: $0.host)?.pid != nil && fleet.kafkaVersion(of: $0) == nil
        }
        if !unknown.isEmpty {
            remarks.warn(
                "which Kafka they are is not known of \(unknown.map(\.host).list), so that no fault of Kafka's was looked for there"
            )
        }
    }

    /// What is said of brokers when nothing is wrong.
    func kafkaSentence(_ fleet: FleetView) -> String {
        let known = Set(brokers.compactMap { fleet.kafkaVersion(of: $0) }).sorted().map(\.description)
        return known.isEmpty ? "" : ", Kafka " + known.joined(separator: ", ")
    }

    /// Whether ephemeral nodes of the source can outlive their session (ZOOKEEPER-2355, ZOOKEEPER-3144).
    private func keepsEphemerals(_ fleet: FleetView) -> Bool {
        KnownFault.table.faults.contains { fault in
            ["ZOOKEEPER-2355", "ZOOKEEPER-3144"].contains(fault.name)
                && plan.source.contains { fleet.version(of: $0.host).map(fault.affects) ?? false }
        }
    }
}

extension FleetView {
    /// Of Kafka itself; nil where it does not show.
    func kafkaVersion(of broker: PlannedBroker) -> ZooKeeperVersion? {
        guard let text = named(broker.service, on: broker.host)?.version?.description else { return nil }
        let isConfluent = text.hasSuffix("-ccs") || text.hasSuffix("-ce")
        return ZooKeeperVersion(text).flatMap { isConfluent ? $0.confluentKafka : $0 }
    }
}

extension ZooKeeperVersion {
    /// The Kafka of a Confluent Platform by its number: the first of its minor version, as its patches count by themselves, so that what
    /// a later one has mended is not believed to be.
    fileprivate var confluentKafka: ZooKeeperVersion? {
        switch (major, minor) {
        case (7, 0...9): ZooKeeperVersion(3, minor, 0)
        case (6, 0...2): ZooKeeperVersion(2, minor + 6, 0)
        case (5, 0...5): ZooKeeperVersion(2, minor, 0)
        case _: nil
        }
    }
}
