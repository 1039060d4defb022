import ControlProtocol
import KafkaMetadata
import Settings
import Topology

extension Check {
    package static func brokers(_ subject: KafkaProcedure) -> Check {
        let brokers = subject.brokers
        let survey = subject.survey
        return Check(
            .brokers,
            "every broker's agent may restart it, and its server.properties can be repointed",
            remedy:
                "Allow the broker's service and files in its agent's configuration, and let plan, broker.id and "
                + "meta.properties agree",
            looking: Look(hosts: brokers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            for broker in brokers {
                let place = "\(broker.name): \(broker.configPath)"
                if fleet.status(broker.host) != nil, fleet.service(broker.service, on: broker.host) == nil {
                    remarks.refuse(
                        "\(broker.host): its agent's configuration does not allow \(broker.service); add it to 'services', "
                            + "or correct line \(broker.line) of the plan"
                    )
                }
                // A silent agent is another check's finding.
                let unread = survey.kafka?.unread.first { $0.host == broker.host }
                if let unread, !unread.isSilence {
                    remarks.refuse("\(place): \(unread.reason)")
                }
                guard let file = survey.kafka?.file(of: broker.host) else { continue }
                if fleet.status(broker.host) != nil,
                    fleet.file(broker.configPath, on: broker.host)?.digest != file.digest
                {
                    remarks.refuse("\(place): somebody else changed it since it was read; start again")
                    continue
                }
                switch subject.properties(of: broker) {
                case .failure(let error): remarks.refuse("\(place): \(error)")
                case .success(let properties):
                    for fault in idFaults(of: broker, properties, subject) {
                        remarks.refuse("\(place): \(fault)")
                    }
                }
            }
            return remarks.verdict(
                "\(brokers.count) files read; next: "
                    + subject.plan.seeds.map { "\($0.address):\($0.clientPort)" }.joined(separator: ",")
            )
        }
    }

    private static func idFaults(
        of broker: PlannedBroker,
        _ properties: ServerProperties,
        _ subject: KafkaProcedure
    ) -> [String] {
        var known = [properties.brokerID.map { ("broker.id", $0) }].compactMap(\.self)
        var faults: [String] = []
        for meta in subject.survey.kafka?.metas(of: broker.host) ?? [] {
            guard let content = meta.content else { continue }
            do throws(KafkaFileError) {
                if let id = try KafkaMeta(content).brokerID { known.append((meta.path, id)) }
            } catch {
                faults.append("\(meta.path): \(error)")
            }
        }
        for (place, id) in known where id != broker.id {
            faults.append("\(place) says broker \(id), the plan \(broker.id) (line \(broker.line))")
        }
        if known.isEmpty {
            faults.append("neither broker.id nor meta.properties says which broker it is; set broker.id")
        }
        return faults
    }
}
