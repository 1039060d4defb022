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

    /// What is said of brokers when nothing is wrong; those whose version does not show are named.
    func kafkaSentence(_ fleet: FleetView) -> String {
        guard !brokers.isEmpty else { return "" }
        let unknown = brokers.filter { fleet.kafkaVersion(of: $0) == nil }
        let known = Set(brokers.compactMap { fleet.kafkaVersion(of: $0) }).sorted().map(\.description)
        let seen = known.isEmpty ? "" : ", Kafka " + known.joined(separator: ", ")
        return seen
            + (unknown.isEmpty ? "" : "; Kafka's version is not known of \(unknown.map(\.host).list)")
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
    /// Of Kafka itself; distributions that count otherwise (`7.3.0-ccs`) are not known.
    func kafkaVersion(of broker: PlannedBroker) -> ZooKeeperVersion? {
        guard
            let text = status(broker.host)?.services.first(where: { $0.name == broker.service })?.version?
                .description,
            !text.hasSuffix("-ccs"), !text.hasSuffix("-ce")
        else { return nil }
        return ZooKeeperVersion(text)
    }
}
