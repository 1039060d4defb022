import ControlProtocol
import Procedure
import Settings
import Testing
import Topology

/// One thing wrong with the model, the check that must find it, and what it must say.
struct Fault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let check: CheckName
    let verdict: Finding.Verdict
    let strategy: MigrationPlan.Strategy
    let said: [String]
    /// Another check that rightly finds it, too.
    let other: CheckName?
    let make: @Sendable (inout ModelEnsemble) -> Void

    init(
        _ name: String,
        _ check: CheckName,
        _ said: String...,
        verdict: Finding.Verdict = .fail,
        strategy: MigrationPlan.Strategy = .participants,
        other: CheckName? = nil,
        make: @escaping @Sendable (inout ModelEnsemble) -> Void
    ) {
        testDescription = name
        self.check = check
        self.verdict = verdict
        self.strategy = strategy
        self.said = said
        self.other = other
        self.make = make
    }
}

/// Faults of agents and of files.
extension Fault {
    static let all =
        agents + credentials + files + source + destination + network + kafka + numbers + dialects

    static func odd(_ hosts: String..., make: @escaping @Sendable (inout ModelOddities) -> Void)
        -> @Sendable (inout ModelEnsemble) -> Void
    {
        { model in for host in hosts { model.make(host, make) } }
    }

    static func target(_ address: String, _ port: Int) -> ProbeTarget? {
        guard let address = IPAddress(address), let port = Port(port) else { return nil }
        return ProbeTarget(address: address, port: port)
    }

    static let day: Int64 = 86_400_000

    static let agents = [
        Fault(
            "silent agents",
            .agents,
            "s2: not observed",
            "d6: not observed",
            "Install the same version",
            make: odd("s2", "d6") { $0.isSilent = true }
        ),
        Fault("a silent broker's agent", .agents, "k2: not observed", make: odd("k2") { $0.isSilent = true }),
        Fault(
            "another protocol",
            .agents,
            "s1: its agent speaks protocol 1, this program 2",
            "d4: its agent speaks",
            make: odd("s1", "d4") { $0.protocolVersion = 1 }
        ),
        Fault(
            "no ZooKeeper",
            .agents,
            "d5: its agent's configuration names no ZooKeeper",
            make: odd("d5") { $0.hasNoZooKeeper = true }
        ),
        Fault(
            "another service",
            .agents,
            "s3: its agent's configuration names the service zk, the plan zookeeper.service (line",
            make: odd("s3") { $0.service = "zk" }
        ),
        Fault(
            "hidden processes",
            .serverProcesses,
            "s1: process",
            "s2: process",
            "is no ZooKeeper server",
            make: odd("s1", "s2") { $0.hidesProcess = true }
        ),
        Fault("clocks far off", .clocks, "s1: its clock is", "ms ahead", "d6: its clock is", "ms behind") {
            model in
            model.make("s1") { $0.skew = 30_000 }
            model.make("d6") { $0.skew = -30_000 }
        },
        Fault(
            "a clock a little off",
            .clocks,
            "s1: its clock is",
            verdict: .warn,
            make: odd("s1") { $0.skew = 3000 }
        ),
        Fault(
            "certificates about to end",
            .certificates,
            "s1: its certificate ends in 1 days",
            "d6: its certificate ends in 1 days",
            make: odd("s1", "d6") {
                $0.credentials = CredentialExpiry(
                    certificate: day * 3 / 2,
                    authority: 900 * day,
                    revocationList: nil
                )
            }
        ),
        Fault(
            "a revocation list that has ended",
            .certificates,
            "s1: its revocation list ends in 0 days",
            make: odd("s1") {
                $0.credentials = CredentialExpiry(
                    certificate: 100 * day,
                    authority: nil,
                    revocationList: day / 2
                )
            }
        ),
        Fault(
            "an authority that ends this month",
            .certificates,
            "s2: its authority ends in 20 days",
            verdict: .warn,
            make: odd("s2") {
                $0.credentials = CredentialExpiry(
                    certificate: 100 * day,
                    authority: 20 * day + 1_000_000,
                    revocationList: nil
                )
            }
        ),
        Fault(
            "this coordinator's certificate",
            .certificates,
            "this coordinator: its certificate ends in 1 days"
        ) {
            $0.ownCredentials = CredentialExpiry(
                certificate: day * 3 / 2,
                authority: nil,
                revocationList: nil
            )
        },
    ]

    static let files = [
        Fault(
            "paths that an agent cannot work at",
            .agentReach,
            "d4: /var/lib/zookeeper: /var/lib/zookeeper is read-only for the agent",
            "s1: /tmp/zookeeper: /tmp/zookeeper is hidden from the agent"
        ) { model in
            model.make("d4") {
                $0.reach = [
                    PathReach(path: "/etc/zookeeper/conf/zoo.cfg", problem: nil),
                    PathReach(
                        path: "/var/lib/zookeeper",
                        problem: "/var/lib/zookeeper is read-only for the agent"
                    ),
                ]
            }
            model.make("s1") {
                $0.reach = [
                    PathReach(
                        path: "/tmp/zookeeper",
                        problem: "/tmp/zookeeper is hidden from the agent: the host's first process sees it"
                    )
                ]
            }
        },
        Fault(
            "an agent that does not say what it can work at",
            .agentReach,
            "s1: its agent is an older one and does not say",
            verdict: .warn,
            make: odd("s1") { $0.reach = nil }
        ),
        Fault(
            "files of other servers",
            .configurationFiles,
            "s1: /etc/zookeeper/conf/zoo.cfg: it names other servers than the plan",
            "d5:",
            "server.5 is 198.51.100.99:2888:3888:participant, in the plan 198.51.100.15:2888:3888:participant"
        ) { model in
            model.edit("s1", "server.2=", "server.9=")
            model.edit("d5", "server.5=198.51.100.15", "server.5=198.51.100.99")
        },
        Fault(
            "another client port",
            .configurationFiles,
            "s1: ",
            "line 6: clients are served on port 2182, the plan says 2181"
        ) {
            $0.edit("s1", "clientPort=2181", "clientPort=2182")
        },
        Fault(
            "hierarchical quorums",
            .configurationFiles,
            "s2: ",
            "'group.1' makes this a hierarchical quorum"
        ) { $0.edit("s2", "# kept", "group.1=1:2:3") },
        Fault(
            "other files in use",
            .configPaths,
            "s1: the running server reads /etc/other.cfg, the plan /etc/zookeeper/conf/zoo.cfg",
            "d4: its agent's configuration names",
            make: odd("s1", "d4") { $0.configPath = "/etc/other.cfg" }
        ),
        Fault(
            "reconfiguration allowed",
            .staticConfiguration,
            "s1: /etc/zookeeper/conf/zoo.cfg: reconfigEnabled=true",
            "d6: "
        ) { model in
            for host in ["s1", "d6"] { model.edit(host, "# kept", "reconfigEnabled=true") }
        },
        Fault("a dynamic file", .staticConfiguration, "d4: ", "dynamicConfigFile=/etc/zoo.dynamic") {
            $0.edit("d4", "# kept", "dynamicConfigFile=/etc/zoo.dynamic")
        },
        Fault(
            "TLS and SASL between servers",
            .quorumSecurity,
            "s1: ",
            "sslQuorum=true",
            "s2: ",
            "portUnification=true",
            "d4: ",
            "quorum.auth.enableSasl=true"
        ) { model in
            model.edit("s1", "# kept", "sslQuorum=true")
            model.edit("s2", "# kept", "portUnification=true")
            model.edit("d4", "# kept", "quorum.auth.enableSasl=true")
        },
        Fault(
            "shorter longest sessions",
            .sessionLimits,
            "d4 grants sessions of 4000 to 10000 ms, the source of 4000 to 40000 ms",
            "d5 grants"
        ) { model in
            for host in ["d4", "d5"] { model.edit(host, "# kept", "maxSessionTimeout=10000") }
        },
        Fault("longer shortest sessions", .sessionLimits, "d6 grants sessions of 8000 to 40000 ms") {
            $0.edit("d6", "# kept", "minSessionTimeout=8000")
        },
        Fault(
            "observers without a disk",
            .observerSync,
            "d4: ",
            "d6: ",
            "syncEnabled=false",
            strategy: .observers
        ) { model in
            for host in ["d4", "d6"] { model.edit(host, "# kept", "syncEnabled=false") }
        },
        Fault(
            "observers without a disk by the property's name",
            .observerSync,
            "d5: /etc/zookeeper/conf/zoo.cfg: observer.syncEnabled is not true",
            strategy: .observers
        ) { model in
            model.edit("d4", "# kept", "observer.syncEnabled=TRUE")
            model.edit("d5", "# kept", "syncEnabled=true\nobserver.syncEnabled=yes")
        },
        Fault(
            "writes that are not forced",
            .durableWrites,
            "s1: /etc/zookeeper/conf/zoo.cfg: forceSync=no",
            "s2: its process was started with -Dzookeeper.forceSync=no"
        ) { model in
            model.edit("s1", "# kept", "forceSync=no")
            if let name = HostName("s2") { model.hosts[name]?.javaProperties["zookeeper.forceSync"] = "no" }
        },
        Fault("other buffers", .maxBuffer, "jute.maxbuffer is 4194304 on s2, the default on s1, s3") {
            model in
            if let name = HostName("s2") { model.hosts[name]?.javaProperties["jute.maxbuffer"] = "4194304" }
        },
        Fault(
            "a buffer in a file",
            .maxBuffer,
            "s1: ",
            "jute.maxbuffer has no effect in this file",
            verdict: .warn
        ) { $0.edit("s1", "# kept", "jute.maxbuffer=4194304") },
        Fault("a whitelist without mntr", .fourLetterWords, "s1: ", "leaves mntr out", verdict: .warn) {
            $0.edit("s1", "# kept", "4lw.commands.whitelist=srvr")
        },
        Fault(
            "TTL nodes that the destination would delete",
            .readableData,
            "d4: extendedTypesEnabled is not true, as on s2: TTL nodes would be deleted when it starts",
            "d6: extendedTypesEnabled is not true"
        ) { model in
            model.edit("s2", "# kept", "extendedTypesEnabled=true")
            model.edit("d5", "# kept", "extendedTypesEnabled=true")
        },
        Fault(
            "ACLs that the destination could not judge",
            .readableData,
            "d4: no authProvider is com.example.Provider, as on s1: ACLs of its scheme would let nobody in",
            "d6: DigestAuthenticationProvider.digestAlg is not that of s1"
        ) { model in
            model.edit(
                "s1",
                "# kept",
                "authProvider.7=com.example.Provider\nDigestAuthenticationProvider.digestAlg=SHA-256"
            )
        },
        Fault(
            "ACLs that the source's flags alone allow",
            .readableData,
            "d4: no authProvider is com.example.Provider, as on s2: ACLs of its scheme would let nobody in",
            "d6: no authProvider is com.example.Provider",
            "d5: DigestAuthenticationProvider.digestAlg is not that of s2"
        ) { model in
            model.edit("d5", "# kept", "authProvider.1=com.example.Provider")
            guard let name = HostName("s2") else { return }
            model.hosts[name]?.javaProperties["zookeeper.authProvider.7"] = "com.example.Provider"
            model.hosts[name]?.javaProperties[ToldProperties.digestAlgorithm] = "SHA-256"
        },
        Fault(
            "files that the servers' own parsers refuse",
            .serverParser,
            "s1: /etc/zookeeper/conf/zoo.cfg: ZooKeeper 3.8.0 refuses it as it will be rewritten: too many servers",
            "d5: /etc/zookeeper/conf/zoo.cfg: ZooKeeper 3.8.0 refuses it: metrics provider class was not found"
        ) { model in
            model.make("s1") { $0.parserRefusals = ["", "too many servers"] }
            model.make("d5") { $0.parserRefusals = ["metrics provider class was not found"] }
        },
        Fault(
            "parsers that were not asked",
            .serverParser,
            "d4: not asked: no Java",
            "d6: not asked: no such route",
            verdict: .warn
        ) { model in
            model.make("d4") { $0.parserObstacle = "no Java" }
            model.make("d6") { $0.parserFailure = "no such route" }
        },
    ]
}
