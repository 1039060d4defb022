import Settings
import Topology

/// A server's zoo.cfg, as it is and as it will be rewritten, beside what its parser and the plan ask of it.
struct JudgedFile: Sendable {
    private(set) var faults: [String] = []
    private(set) var remarks: [String] = []

    /// - Parameter told: system properties of the running process, as far as they are known.
    init(
        _ file: Survey.File,
        of server: PlannedServer,
        in subject: SurveyedPlan,
        told: [String: String]
    ) {
        let plan = subject.plan
        do throws(ZooConfigurationError) {
            let now = try ZooConfiguration(file.content)
            let isSource = plan.source.contains { $0.host == server.host }
            faults = Self.faults(now, server, plan, told)
            faults += Self.difference(now, from: isSource ? plan.sourceMembers : plan.destinationMembers)
            remarks = now.startRemarks(of: server.id).map(\.description)
            guard subject.joint.servers.contains(where: { $0.host == server.host }) else { return }
            // What is wrong already is told once.
            let grown = try ZooConfiguration(subject.joint.content(of: file))
            let known = Set(faults)
            faults += Self.faults(grown, server, plan, told).filter { !known.contains($0) }
                .map { "as it will be rewritten, \($0)" }
        } catch {
            faults.append(error.description)
        }
    }

    private static func faults(
        _ file: ZooConfiguration,
        _ server: PlannedServer,
        _ plan: MigrationPlan,
        _ told: [String: String]
    ) -> [String] {
        file.startFaults(of: server.id, told: told).map(\.description) + endpointFaults(file, server, plan)
    }

    /// Where clients will find the server, beside where they are told to look.
    private static func endpointFaults(
        _ file: ZooConfiguration,
        _ server: PlannedServer,
        _ plan: MigrationPlan
    ) -> [String] {
        guard let endpoint = file.clientEndpoint(of: server.id) else {
            let secure = file.secureClientPort == nil ? "" : "; a secure one alone is not supported"
            return [
                "it opens no plain client port, the plan says \(server.clientPort) (line \(server.line))\(secure)"
            ]
        }
        var faults: [String] = []
        let place = "line \(endpoint.line): clients are served on"
        if endpoint.port != server.clientPort {
            faults.append(
                "\(place) port \(endpoint.port), the plan says \(server.clientPort) (line \(server.line))"
            )
        }
        guard let address = endpoint.address, address != server.address else { return faults }
        let told =
            "\(place) \(address) only, and are told \(server.address) (line \(server.line) of the plan)"
        if let literal = IPAddress(address) {
            let known = IPAddress(server.address).map { [$0] } ?? server.allAddresses
            if !known.contains(literal) { faults.append(told) }
        } else if ZooConfiguration.isEverywhereOrHere(address)
            || plan.servers.contains(where: { $0.host != server.host && $0.address == address })
        {
            faults.append(told)
        }
        return faults
    }

    /// Server by server, so that a role or a spelling that differs is seen as such.
    private static func difference(_ file: ZooConfiguration, from view: [Member]) -> [String] {
        guard Set(file.members) != Set(view) else { return [] }
        let planned = Dictionary(view.map { ($0.id, $0) }) { first, _ in first }
        let written = Dictionary(file.members.map { ($0.id, $0) }) { first, _ in first }
        let texts = Set(planned.keys).union(written.keys).sorted().compactMap { id -> String? in
            switch (written[id], planned[id]) {
            case (let here?, let there?) where here == there: nil
            case (let here?, let there?): "server.\(id) is \(text(here)), in the plan \(text(there))"
            case (let here?, nil): "server.\(id)=\(text(here)) is not in the plan"
            case (nil, let there?): "server.\(id) is missing, in the plan \(text(there))"
            case (nil, nil): nil
            }
        }
        return ["it names other servers than the plan: " + texts.joined(separator: ", ")]
    }

    private static func text(_ member: Member) -> String {
        let address = member.address.contains(":") ? "[\(member.address)]" : member.address
        return "\(address):\(member.quorumPort):\(member.electionPort):\(member.role.rawValue)"
    }
}
