import ControlProtocol
import Procedure
import Settings
import Topology

/// Faults of networks, rules and brokers.
extension Fault {
    static let network = [
        Fault(
            "a silent path within the destination",
            .destinationNetwork,
            "d4: no answer at 198.51.100.15 port 3888",
            "d5: no way at 198.51.100.16 port 2888"
        ) { model in
            model.make("d4") { odd in
                if let target = target("198.51.100.15", 3888) { odd.answers[target] = .silent }
            }
            model.make("d5") { odd in
                if let target = target("198.51.100.16", 2888) { odd.answers[target] = .unreachable }
            }
        },
        Fault(
            "a silent path between the sides",
            .crossingPaths,
            "s1: no answer at 198.51.100.14 port 2888",
            "d4: nothing listens at 198.51.100.11 port 3888"
        ) { model in
            model.make("s1") { odd in
                if let target = target("198.51.100.14", 2888) { odd.answers[target] = .silent }
            }
            model.make("d4") { odd in
                if let target = target("198.51.100.11", 3888) { odd.answers[target] = .refused }
            }
        },
        Fault(
            "source agents that may not probe",
            .crossingPaths,
            "s1: its agent makes no probes: the agent's configuration does not allow it: 198.51.100.14 is in none of firewall.peers",
            "s2: ",
            make: odd("s1", "s2") { $0.probeRefusal = "198.51.100.14 is in none of firewall.peers" }
        ),
        Fault(
            "an agent that may not probe its own side",
            .destinationNetwork,
            "d4: its agent makes no probes",
            make: odd("d4") { odd in
                odd.probeRefusal = "198.51.100.15 is in none of firewall.peers"
                odd.refusedAddresses = ["198.51.100.15", "198.51.100.16"].compactMap { IPAddress($0) }
            }
        ),
        Fault(
            "backends that do not take the wall",
            .firewallBackend,
            "d4: nft is not in /usr/sbin",
            "d6: nft is not in",
            make: odd("d4", "d6") { $0.previewRefusal = "nft is not in /usr/sbin" }
        ),
        Fault(
            "rules that cannot be read",
            .firewallBackend,
            "s1: its rules cannot be read: nft is missing",
            make: odd("s1") { $0.unreadableRules = "nft is missing" }
        ),
        Fault(
            "rules that were left",
            .leftoverRules,
            "s1 has 3 rules of ours",
            "d4 has 3 rules of ours",
            "mitosis rules clean",
            make: odd("s1", "d4") { $0.leftRules = 3 }
        ),
        Fault(
            "other programs that manage rules",
            .ruleManagers,
            "d4: firewalld runs (pid 7)",
            "d5: dockerd runs (pid 8)"
        ) { model in
            model.make("d4") { $0.managers = [RuleManager(name: "firewalld", pid: 7)] }
            model.make("d5") { $0.managers = [RuleManager(name: "dockerd", pid: 8)] }
        },
        Fault(
            "a unit that loads rules",
            .ruleManagers,
            "d6: nftables.service is active",
            verdict: .warn,
            make: odd("d6") { $0.managers = [RuleManager(name: "nftables.service", pid: nil)] }
        ),
        Fault(
            "a destination server that starts at boot and asks nobody",
            .bootHold,
            "d4: zookeeper.service is enabled and does not ask",
            "mitosis agents configure",
            verdict: .warn
        ) { model in
            model.make("d4") { $0.boot = UnitBoot(isEnabled: true, asksOrder: false) }
            model.make("d5") { $0.boot = UnitBoot(isEnabled: true, asksOrder: true, lapses: true) }
        },
        Fault(
            "a destination host on which nothing undoes a division without its agent",
            .bootHold,
            "d5: mitosis-lapse.path is not active",
            "mitosis agents configure",
            verdict: .warn
        ) { model in
            model.make("d4") { $0.boot = UnitBoot(isEnabled: true, asksOrder: true, lapses: true) }
            model.make("d5") { $0.boot = UnitBoot(isEnabled: true, asksOrder: true, lapses: false) }
            model.make("s1") { $0.boot = UnitBoot(isEnabled: true, asksOrder: false, lapses: false) }
        },
        Fault(
            "destination servers that ask, are not enabled, or of whose boot nothing is known",
            .bootHold,
            "1 of 3 ask; nothing is known of the boot of d6",
            verdict: .pass
        ) { model in
            model.make("d4") { $0.boot = UnitBoot(isEnabled: true, asksOrder: true) }
            model.make("d5") { $0.boot = UnitBoot(isEnabled: false, asksOrder: false) }
            model.make("s1") { $0.boot = UnitBoot(isEnabled: true, asksOrder: false) }
        },
        Fault(
            "an order that was left",
            .leftoverRules,
            "d4 has an order of run run-0 since 1970-01-01T00:00:01Z, which holds back zookeeper.service",
            make: odd("d4") {
                $0.order = RunID("run-0").map {
                    OrderState(run: $0, since: 1_000, held: ["zookeeper.service"])
                }
            }
        ),
        Fault(
            "a program that manages rules on a source host",
            .ruleManagers,
            "none on 3 hosts",
            verdict: .pass,
            make: odd("s1") { $0.managers = [RuleManager(name: "firewalld", pid: 7)] }
        ),
        Fault(
            "programs that manage configuration",
            .configurationManagers,
            "s1: puppet runs (pid 9); d4: ansible-pull.timer is started by the clock",
            "puppet agent --disable"
        ) { model in
            model.make("s1") { $0.configurationManagers = [RuleManager(name: "puppet", pid: 9)] }
            model.make("d4") {
                $0.configurationManagers = [RuleManager(name: "ansible-pull.timer", pid: nil)]
            }
        },
    ]

    static let kafka = [
        Fault(
            "a connect string on the command line",
            .brokers,
            "broker 2 (k2): its process was started with --override zookeeper.connect=zk9:2181, which counts whatever ",
            "take it off the command line and restart it"
        ) { $0.override("k2", "zookeeper.connect", "zk9:2181") },
        Fault(
            "another broker's id on the command line",
            .brokers,
            "broker 1 (k1): ",
            "--override broker.id on its command line says broker 7, the plan 1"
        ) { $0.override("k1", "broker.id", "7") },
        Fault(
            "no broker's id on the command line",
            .brokers,
            "--override broker.id=x on its command line is no"
        ) {
            $0.override("k1", "broker.id", "x")
        },
        Fault(
            "a setting on the command line that the file contradicts",
            .brokers,
            "broker 3 (k3): ",
            "--override zookeeper.session.timeout.ms=100, which counts, and the file says nothing; let them agree"
        ) { $0.override("k3", "zookeeper.session.timeout.ms", "100") },
        Fault(
            "a setting on the command line that the file repeats",
            .brokers,
            "3 files read",
            verdict: .pass
        ) { model in
            model.editBroker("k3", "# kept", "zookeeper.session.timeout.ms=9000")
            model.override("k3", "zookeeper.session.timeout.ms", "9000")
            model.override("k3", "broker.id", "3")
        },
        Fault(
            "a broker with another file",
            .brokers,
            "broker 2 (k2): the running broker was started with /opt/kafka/config/server-1.properties, the plan says ",
            "name the file that it reads in the plan"
        ) { model in
            if let name = HostName("k2") {
                model.brokers.files[name] = "/opt/kafka/config/server-1.properties"
            }
        },
        Fault(
            "a broker in a network of its own",
            .brokers,
            "broker 2 (k2): the process of kafka.service has a network of its own",
            "run both in one"
        ) { model in
            if let name = HostName("k2") { model.brokers.contained.insert(name) }
        },
        Fault(
            "brokers' services not allowed",
            .brokers,
            "k1: its agent's configuration does not allow kafka.service",
            "k2: "
        ) { model in
            for host in ["k1", "k2"] {
                if let name = HostName(host) { model.brokers.hiddenServices.insert(name) }
            }
        },
        Fault(
            "single servers",
            .connectStrings,
            "broker 1 (k1): zookeeper.connect=198.51.100.13:2181/kafka names one server only",
            "broker 2 (k2)"
        ) { model in
            for host in ["k1", "k2"] { model.editBroker(host, "198.51.100.11:2181,198.51.100.12:2181,", "") }
        },
        Fault("other chroots", .clusterID, "broker 1 (k1): ", "has the chroot /other", "broker 3 (k3): ") {
            model in
            for host in ["k1", "k3"] { model.editBroker(host, "/kafka", "/other") }
        },
        Fault("short sessions", .sessionTimeouts, "broker 1 (k1) has 4000 ms", verdict: .warn) {
            $0.editBroker("k1", "# kept", "zookeeper.session.timeout.ms=100")
        },
        Fault(
            "brokers that are stopped",
            .kafkaWhole,
            "broker 1 (k1): kafka.service is stopped",
            "broker 1 (k1) not registered",
            "1 under-replicated partitions"
        ) { model in
            if let name = HostName("k1") { model.brokers.stop(name) }
        },
    ]
}
