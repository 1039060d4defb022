import ControlProtocol
import KafkaMetadata
import Settings
import Topology

/// Checks of the brokers, of their files, and of the cluster as ZooKeeper has it.
extension KafkaProcedure {
    var brokersSuit: Check {
        Check(
            .brokers,
            "every broker's agent may restart it, and its server.properties can be repointed",
            remedy:
                "Allow the broker's service and files in its agent's configuration, and let plan, broker.id and "
                + "meta.properties agree",
            looking: Look(hosts: brokers.map(\.host))
        ) { [brokers, survey] fleet, _ in
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
                switch properties(of: broker) {
                case .failure(let error): remarks.refuse("\(place): \(error)")
                case .success(let properties):
                    for fault in idFaults(of: broker, properties) { remarks.refuse("\(place): \(fault)") }
                }
            }
            return remarks.verdict(
                "\(brokers.count) files read; next: "
                    + plan.seeds.map { "\($0.address):\($0.clientPort)" }.joined(separator: ",")
            )
        }
    }

    /// Nil when the file was not read; the same file must be able to take the new connect string.
    private func properties(of broker: PlannedBroker) -> Result<ServerProperties, KafkaFileError> {
        guard let file = survey.kafka?.file(of: broker.host) else {
            return .failure(.missing(key: ServerProperties.connectKey))
        }
        do throws(KafkaFileError) {
            _ = try rewritten(file)
            return .success(try ServerProperties(file.content))
        } catch {
            return .failure(error)
        }
    }

    /// Of the brokers whose file can be used.
    private var usable: [(broker: PlannedBroker, properties: ServerProperties)] {
        brokers.compactMap { broker in
            switch properties(of: broker) {
            case .success(let properties): (broker, properties)
            case .failure: nil
            }
        }
    }

    private func idFaults(of broker: PlannedBroker, _ properties: ServerProperties) -> [String] {
        var known = [properties.brokerID.map { ("broker.id", $0) }].compactMap(\.self)
        var faults: [String] = []
        for meta in survey.kafka?.metas(of: broker.host) ?? [] {
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

    /// Trap 12.
    var stringsNameSeveral: Check {
        var remarks = Remarks()
        for (broker, properties) in usable {
            let connect = properties.zookeeperConnect
            if connect.isSingleServer {
                remarks.refuse("\(broker.name): zookeeper.connect=\(connect) names one server only")
            }
        }
        if plan.seeds.count < 2 { remarks.refuse("the plan has one seed only to repoint brokers to") }
        let verdict = remarks.verdict("\(usable.count) connect strings name several servers")
        return Check(
            .connectStrings,
            "every broker's zookeeper.connect names several servers",
            remedy:
                "Name several source servers and restart the broker: it loses its session whenever its only server restarts",
            looking: Look()
        ) { _, _ in verdict }
    }

    /// Trap 13: the ensemble, the chroot and the cluster are those that the brokers' data belongs to.
    var clusterIsTheOneMeant: Check {
        Check(
            .clusterID,
            "every broker is in the plan's ensemble and chroot, and /cluster/id is in its meta.properties",
            remedy:
                "Correct whichever is wrong, the plan or the broker's file; another ensemble or chroot would get a broker's "
                + "skeleton of an empty cluster",
            looking: Look(kafka: fromSource)
        ) { fleet, _ in
            var remarks = Remarks()
            for (broker, properties) in usable {
                for fault in connectFaults(properties.zookeeperConnect) {
                    remarks.refuse("\(broker.name): \(broker.configPath): \(fault)")
                }
            }
            guard let cluster = fleet.kafka(from: fromSource) else {
                remarks.wait(fleet.kafkaSilence(of: fromSource))
                return remarks.verdict("")
            }
            if cluster.isLeavingZooKeeper {
                remarks.refuse("the cluster is being moved to KRaft; finish that, or take it back, first")
            }
            guard let id = cluster.id else {
                return remarks.verdict("no /cluster/id, as before Kafka 0.10.1")
            }
            let seen = compare(id, &remarks)
            return remarks.verdict("cluster \(id), in \(seen) meta.properties")
        }
    }

    private func connectFaults(_ connect: ConnectString) -> [String] {
        var faults: [String] = []
        if connect.chroot != kafka.chroot {
            faults.append(
                "zookeeper.connect has \(Self.named(connect.chroot)), the plan \(Self.named(kafka.chroot)) (line "
                    + "\(kafka.line))"
            )
        }
        let strangers = connect.servers.filter { server in !plan.source.contains { Self.is($0, server) } }
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
    private func compare(_ id: String, _ remarks: inout Remarks) -> Int {
        var seen = 0
        for meta in brokers.flatMap({ survey.kafka?.metas(of: $0.host) ?? [] }) {
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

    /// Trap 20, and everything that would stop a roll of the brokers.
    var isWhole: Check {
        Check(
            .kafkaWhole,
            "all brokers run and are registered, nothing is under-replicated or being moved, \(kafka.reads) reads in a row",
            remedy:
                "Bring the cluster to rest first: every broker up and in the plan, every replica in sync, no reassignment",
            looking: Look(hosts: brokers.map(\.host), kafka: fromSource),
            looks: kafka.reads,
            interval: kafka.interval
        ) { [brokers] fleet, _ in
            var remarks = Remarks()
            for broker in brokers {
                guard let state = fleet.service(broker.service, on: broker.host) else { continue }
                let said = "\(broker.name): \(broker.service) \(state.sentence)"
                switch state {
                case .running: break
                case .changing: remarks.wait(said)
                case .stopped, .failed: remarks.refuse(said)
                }
            }
            guard let cluster = fleet.kafka(from: fromSource) else {
                remarks.wait(fleet.kafkaSilence(of: fromSource))
                return remarks.verdict("")
            }
            for fault in faults(of: cluster) { remarks.wait(fault) }
            return remarks.verdict("\(brokers.count) brokers registered, 0 under-replicated partitions")
        }
    }
}
