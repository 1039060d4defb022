/// Where everything of a lab is in its folder.
package struct LabLayout: Sendable {
    package let root: String

    package init(root: String) { self.root = root }

    /// Shows that a lab made the folder; without it nothing in the folder is ever removed.
    package var marker: String { root + "/.mitosis-lab" }
    package var lock: String { root + "/lock" }
    package var configuration: String { root + "/lab.json" }
    package var plan: String { root + "/plan.yaml" }
    package var pki: String { root + "/pki" }
    package var journal: String { root + "/control/journal.sqlite" }
    package var events: String { root + "/control/events.jsonl" }
    package var control: String { root + "/control" }
    package var client: String { root + "/client" }
    package var summary: String { root + "/summary.json" }
    /// What came of a rehearsal.
    package var rehearsal: String { root + "/rehearsal.json" }
    /// Which ZooKeeper each side runs.
    package var zooKeeper: String { root + "/zookeeper.json" }
    /// Which Kafka the brokers are.
    package var kafka: String { root + "/kafka.json" }

    package func host(_ host: LabHost) -> HostLayout { HostLayout(root: "\(root)/hosts/\(host.name)") }
    package func history(_ side: LabHost.Side) -> String { "\(client)/\(side.rawValue).jsonl" }
    package func workloadRecord(_ side: LabHost.Side) -> String { "\(client)/\(side.rawValue).process.json" }
    package func workloadLog(_ side: LabHost.Side) -> String { "\(client)/\(side.rawValue).log" }
    package func kafkaHistory(_ role: KafkaWorkload.Role) -> String { "\(client)/\(role.rawValue).jsonl" }
    package func kafkaRecord(_ role: KafkaWorkload.Role) -> String {
        "\(client)/\(role.rawValue).process.json"
    }
    package func kafkaLog(_ role: KafkaWorkload.Role) -> String { "\(client)/\(role.rawValue).log" }
    package func script(_ name: String) -> String { "\(client)/\(name)" }
}

/// Where everything of one host is; with systemd the same files appear under their usual paths.
package struct HostLayout: Sendable {
    package let root: String

    package init(root: String) { self.root = root }

    package var description: String { root + "/host.json" }
    package var zooKeeperConfiguration: String { root + "/etc/zookeeper/zoo.cfg" }
    package var kafkaConfiguration: String { root + "/etc/kafka/server.properties" }
    package var kafkaLogging: String { root + "/etc/kafka/log4j.properties" }
    package func application(_ name: String) -> String { "\(root)/etc/app/\(name)" }
    package var agentConfiguration: String { root + "/etc/mitosis/agent.yaml" }
    package var tls: String { root + "/etc/mitosis/tls" }
    package var data: String { root + "/data" }
    package var state: String { root + "/state" }
    package var logs: String { root + "/log" }
    package var run: String { root + "/run" }
    package func log(of program: HostProgram.Name) -> String { "\(logs)/\(program.rawValue).log" }
    package func record(of program: HostProgram.Name) -> String { "\(run)/\(program.rawValue).json" }
    package var agentLog: String { logs + "/agent.log" }
    package var zooKeeperRecord: String { record(of: .zooKeeper) }
    package var agentRecord: String { run + "/agent.json" }
    package var units: String { root + "/units" }
    package var rootView: String { root + "/root" }
    package var machineID: String { root + "/machine-id" }
    package var container: String { root + "/container.json" }
    package var containerRecord: String { run + "/container.json" }
    package var serviceLock: String { run + "/service.lock" }

    package func folders(for program: HostProgram.Name) -> [String] {
        ["\(root)/etc/\(program.rawValue)", root + "/etc/mitosis/tls", data, state, logs, run]
    }
}
