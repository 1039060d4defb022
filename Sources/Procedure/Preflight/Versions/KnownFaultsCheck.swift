import ControlProtocol
import Settings
import Topology

extension Check {
    /// The table of known faults against what runs.
    package static func knownFaults(_ subject: SurveyedPlan) -> Check {
        Check(
            .knownFaults,
            "no server's version has a known fault that a migration would meet",
            remedy:
                "Upgrade the servers that are named first, or waive it with the reason why the fault cannot hurt you; the table is "
                + "known-faults.md. A server that does not run says its version where its agent's zookeeper.java is set",
            looking: subject.faultLook
        ) { fleet, _ in
            var remarks = Remarks()
            subject.remarkKnownFaults(fleet, &remarks)
            subject.remarkUnknownVersions(fleet, &remarks)
            let seen = subject.plan.servers.compactMap { fleet.version(of: $0.host) }
            let count = KnownFault.table.faults.count
            let kafka = subject.kafkaSentence(fleet)
            return remarks.verdict(
                "\(count) faults known, none that matters to "
                    + (seen.isEmpty
                        ? "any version that is known"
                        : Set(seen).sorted().map(\.description).joined(separator: ", ")) + kafka
            )
        }
    }
}

extension SurveyedPlan {
    /// Versions are known of servers that serve, and of those whose parser answered; all are judged again when the destination
    /// has joined.
    func remarkKnownFaults(_ fleet: FleetView, _ remarks: inout Remarks) {
        for mistake in KnownFault.table.mistakes {
            remarks.refuse("the table of known faults has a row that cannot be read: \(mistake)")
        }
        let sides: [(KnownFault.Side, [PlannedServer])] = [
            (.source, plan.source), (.destination, plan.destination),
        ]
        for fault in KnownFault.table.faults where fault.strategy == nil || fault.strategy == plan.strategy {
            for (side, servers) in sides where fault.side == side || fault.side == .either {
                remark(fault, on: servers, fleet, &remarks)
            }
            if fault.side == .broker { remark(fault, onBrokersOf: fleet, &remarks) }
        }
    }

    private func remark(
        _ fault: KnownFault,
        on servers: [PlannedServer],
        _ fleet: FleetView,
        _ remarks: inout Remarks
    ) {
        let affected = servers.compactMap { server in
            fleet.version(of: server.host).flatMap { fault.affects($0) ? "\(server.host) (\($0))" : nil }
        }
        guard !affected.isEmpty else { return }
        let who = affected.joined(separator: ", ")
        let text = "\(fault.name) on \(who): \(fault.harm); \(fault.remedy)"
        switch fault.verdict {
        case .refuse: remarks.refuse(text)
        case .warn: remarks.warn(text)
        case .slowLimits: if let limit = slowestLimit { remarks.warn("\(text); it is \(limit) s now") }
        case .multiAddress:
            if configurations.contains(where: { $0.file["multiAddress.enabled"]?.lowercased() == "true" }) {
                remarks.refuse(text)
            }
        case .session, .staleSession, .check, .procedure: break
        }
    }

    /// Seconds of the destination's longest initLimit x tickTime, when they are more than 10.
    private var slowestLimit: Int? {
        let destination = Set(plan.destination.map(\.host))
        let limits = configurations.filter { destination.contains($0.server.host) }.map { _, file in
            (file.initLimit ?? 10).multipliedReportingOverflow(by: file.tickTime)
        }
        let longest = limits.map { $0.overflow ? Int.max : $0.partialValue }.max() ?? 0
        return longest > 10_000 ? longest / 1000 : nil
    }
}
