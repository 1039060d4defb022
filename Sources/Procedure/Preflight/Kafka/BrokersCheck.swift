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
                "Allow the broker's service and files in its agent's configuration, and let plan, broker.id, "
                + "meta.properties and the file that the broker is started with agree",
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
                let service = fleet.named(broker.service, on: broker.host)
                let overrides = service?.overrides ?? [:]
                if let connect = overrides[ServerProperties.connectKey] {
                    remarks.refuse(
                        "\(broker.name): its process was started with --override \(ServerProperties.connectKey)=\(connect), "
                            + "which counts whatever \(broker.configPath) says; take it off the command line and restart it"
                    )
                }
                if service?.hasOwnNetwork == true {
                    remarks.refuse(
                        "\(broker.name): the process of \(broker.service) has a network of its own (a container?), other than its "
                            + "agent's; run both in one"
                    )
                }
                if let running = service?.configPath, running != broker.configPath {
                    remarks.refuse(
                        "\(broker.name): the running broker was started with \(running), the plan says \(broker.configPath) (line "
                            + "\(broker.line)), and an edit would be in vain; name the file that it reads in the plan and in its "
                            + "agent's 'files', or start it with the plan's"
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
                    for remark in properties.remarks { remarks.warn("\(place): \(remark)") }
                    for fault in idFaults(of: broker, properties, overrides[ToldProperties.brokerID], subject)
                        + overridden(properties, overrides)
                    {
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

    /// What was read from the file, and is not what the broker runs with.
    private static func overridden(_ properties: ServerProperties, _ overrides: [String: String]) -> [String]
    {
        overrides.sorted { $0.key < $1.key }.compactMap { key, value in
            guard key != ServerProperties.connectKey, key != ToldProperties.brokerID,
                value != properties[key]
            else { return nil }
            return
                "its process was started with --override \(key)=\(value), which counts, and the file says "
                + "\(properties[key] ?? "nothing"); let them agree"
        }
    }

    private static func idFaults(
        of broker: PlannedBroker,
        _ properties: ServerProperties,
        _ override: String?,
        _ subject: KafkaProcedure
    ) -> [String] {
        var known = [properties.brokerID.map { ("broker.id", $0) }].compactMap(\.self)
        var faults: [String] = []
        if let override {
            if let id = BrokerID(override) {
                known.append(("--override broker.id on its command line", id))
            } else {
                faults.append("--override broker.id=\(override) on its command line is no broker's id")
            }
        }
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
