package import ControlProtocol
package import Fleet
package import Settings
import Topology

/// Who still runs with the list of servers that names the seeds only, after every file has come to name all of the destination's.
package struct ShortLists: Hashable, Sendable {
    /// A sentence for each such process, and for each of which it is not known.
    package let findings: [String]
    /// Processes that were looked at; 0 where the run has noted none.
    package let count: Int

    /// - Parameter hosts: as they are now; one that was not asked is left out.
    package init(_ plan: MigrationPlan, _ facts: RunFacts, hosts: [HostName: Observation]) {
        let fleet = FleetView(hosts: hosts)
        let all =
            plan.brokers.map { ($0.name, $0.host, $0.service) }
            + plan.clients.all.map { ($0.title, $0.host, $0.service) }
        let asked = all.filter { facts.shortLists[$0.0] != nil && hosts[$0.1] != nil }
        count = asked.count
        findings = asked.compactMap { title, host, service in
            if let silence = fleet.unanswered(host) { return "\(title): not known: \(silence)" }
            switch fleet.service(service, on: host) {
            case nil: return "\(title): not known: its agent does not know \(service)"
            case .changing?: return "\(title): not known: \(service) is being started or stopped"
            case .running(let pid)? where pid == facts.shortLists[title]:
                return
                    "\(title): \(service) (pid \(pid)) runs since before its file named every destination server: it knows "
                    + "\(plan.seeds.names) only, until its next restart"
            // It reads the whole list when it starts.
            case .running?, .stopped?, .failed?: return nil
            }
        }
    }

    package var lines: [String] {
        guard count > 0 else { return [] }
        guard findings.isEmpty else { return findings }
        return ["of \(count) brokers and clients none runs with the seeds only any more"]
    }
}
