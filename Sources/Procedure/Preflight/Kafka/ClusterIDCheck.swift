import ControlProtocol
import KafkaMetadata
import Settings
import Topology

extension Check {
    /// Trap 13: the ensemble, the chroot and the cluster are those that the brokers' data belongs to.
    package static func clusterID(_ subject: KafkaProcedure) -> Check {
        Check(
            .clusterID,
            "every broker is in the plan's ensemble and chroot, and /cluster/id is in its meta.properties",
            remedy:
                "Correct whichever is wrong, the plan or the broker's file; another ensemble or chroot would get a broker's "
                + "skeleton of an empty cluster",
            looking: Look(kafka: subject.fromSource)
        ) { fleet, _ in
            var remarks = Remarks()
            for (broker, properties) in subject.usable {
                for fault in connectFaults(properties.zookeeperConnect, subject) {
                    remarks.refuse("\(broker.name): \(broker.configPath): \(fault)")
                }
            }
            guard let cluster = fleet.kafka(from: subject.fromSource) else {
                remarks.wait(fleet.kafkaSilence(of: subject.fromSource))
                return remarks.verdict("")
            }
            if cluster.isLeavingZooKeeper {
                remarks.refuse("the cluster is being moved to KRaft; finish that, or take it back, first")
            }
            guard let id = cluster.id else {
                return remarks.verdict("no /cluster/id, as before Kafka 0.10.1")
            }
            let seen = compare(id, subject, &remarks)
            return remarks.verdict("cluster \(id), in \(seen) meta.properties")
        }
    }

    private static func connectFaults(_ connect: ConnectString, _ subject: KafkaProcedure) -> [String] {
        let (plan, kafka) = (subject.plan, subject.kafka)
        var faults: [String] = []
        if connect.chroot != kafka.chroot {
            faults.append(
                "zookeeper.connect has \(named(connect.chroot)), the plan \(named(kafka.chroot)) (line "
                    + "\(kafka.line))"
            )
        }
        let strangers = connect.servers.filter { server in !plan.source.contains { `is`($0, server) } }
        if !strangers.isEmpty {
            faults.append(
                "zookeeper.connect names \(strangers.map(\.description).joined(separator: ", ")), which is no source "
                    + "server of the plan ("
                    + plan.source.map { "\($0.address):\($0.clientPort)" }.joined(separator: ", ") + ")"
            )
        }
        return faults
    }

    private static func named(_ chroot: String) -> String {
        chroot.isEmpty ? "no chroot" : "the chroot \(chroot)"
    }

    private static func `is`(_ server: PlannedServer, _ named: ConnectString.Server) -> Bool {
        guard server.clientPort == named.port else { return false }
        if named.host.lowercased() == server.address.lowercased() { return true }
        return IPAddress(named.host).map { server.allAddresses.contains($0) } ?? false
    }

    /// In how many files the cluster's id was found.
    private static func compare(_ id: String, _ subject: KafkaProcedure, _ remarks: inout Remarks) -> Int {
        var seen = 0
        for meta in subject.brokers.flatMap({ subject.survey.kafka?.metas(of: $0.host) ?? [] }) {
            if let refusal = meta.refusal {
                remarks.refuse(
                    "\(meta.host): \(meta.path) cannot be compared with /cluster/id (\(refusal)); add it to the agent's "
                        + "'files'"
                )
            }
            guard let content = meta.content else { continue }
            do throws(KafkaFileError) {
                guard let found = try KafkaMeta(content).clusterID else { continue }
                if found == id {
                    seen += 1
                } else {
                    remarks.refuse(
                        "\(meta.host): \(meta.path) has cluster.id \(found), but /cluster/id is \(id)"
                    )
                }
            } catch {
                remarks.refuse("\(meta.host): \(meta.path): \(error)")
            }
        }
        return seen
    }
}
