import ControlProtocol
import KafkaMetadata
import Settings
import Topology

extension Check {
    /// Trap 20, and everything that would stop a roll of the brokers.
    package static func kafkaWhole(_ subject: KafkaProcedure) -> Check {
        let brokers = subject.brokers
        let kafka = subject.kafka
        return Check(
            .kafkaWhole,
            "all brokers run and are registered, nothing is under-replicated or being moved, \(kafka.reads) reads in a row",
            remedy:
                "Bring the cluster to rest first: every broker up and in the plan, every replica in sync, no reassignment",
            looking: Look(hosts: brokers.map(\.host), kafka: subject.fromSource),
            looks: kafka.reads,
            interval: kafka.interval
        ) { fleet, _ in
            var remarks = Remarks()
            for broker in brokers {
                guard let state = fleet.service(broker.service, on: broker.host) else { continue }
                switch KafkaProcedure.ailment(of: broker, state) {
                case nil: break
                case .passing(let said): remarks.wait(said)
                case .lasting(let said): remarks.refuse(said)
                }
            }
            guard let cluster = fleet.kafka(from: subject.fromSource) else {
                remarks.wait(fleet.kafkaSilence(of: subject.fromSource))
                return remarks.verdict("")
            }
            for fault in subject.faults(of: cluster) { remarks.wait(fault) }
            return remarks.verdict("\(brokers.count) brokers registered, 0 under-replicated partitions")
        }
    }
}
