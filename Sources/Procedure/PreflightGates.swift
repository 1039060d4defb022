import ControlProtocol
import Planning
import Topology

/// What must be seen before anything changes. The numbers are rows of the trap table in docs/procedure.md.
extension ParticipantsProcedure {
    /// Milliseconds between the fastest and the slowest clock of the fleet that are still accepted (trap 19).
    private static var largestSkew: Int64 { 5000 }

    var agentsAnswer: Gate {
        Gate(
            "every agent answers, in one version of the protocol, clocks within 5 s",
            hosts: (source + destination).map(\.host),
            deadline: .seconds(15)
        ) { [source, destination] fleet, _ in
            var clocks: [Int64] = []
            for server in source + destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard let status = fleet.status(server.host) else { continue }
                guard status.protocolVersion == ControlProtocolVersion.current else {
                    return .never(
                        reason: "\(server.host): its agent speaks protocol \(status.protocolVersion), this "
                            + "program \(ControlProtocolVersion.current); install the same version everywhere"
                    )
                }
                if let zookeeper = status.zookeeper, zookeeper.service != server.service {
                    return .never(
                        reason: "\(server.host): its agent's configuration names the service "
                            + "\(zookeeper.service), the plan \(server.service) (line \(server.line))"
                    )
                }
                clocks.append(status.clock)
            }
            let skew = (clocks.max() ?? 0) - (clocks.min() ?? 0)
            guard skew <= Self.largestSkew else {
                return .never(
                    reason: "the hosts' clocks differ by \(skew) ms; run a time service on all of them"
                )
            }
            return .holds(observed: "\(clocks.count) agents, clocks within \(skew) ms")
        }
    }

    /// Traps 1, 2, 3, 18: one healthy ensemble, just as the plan describes it, of a version that can grow.
    var sourceIsWhole: Gate {
        let facts = Gate(
            "the source is what the plan says",
            hosts: source.map(\.host),
            deadline: .seconds(15)
        ) { [source, sourceView] fleet, _ in
            for server in source {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard let zookeeper = fleet.zookeeper(server.host) else { continue }
                if let wrong = Self.mismatch(server, zookeeper, view: sourceView) {
                    return .never(reason: wrong)
                }
                guard let version = zookeeper.stats?.version else {
                    return .waiting(reason: "\(server.host) does not serve")
                }
                if ZooKeeperVersion(version)?.isAffectedBy3829 ?? false {
                    return .never(
                        reason:
                            "\(server.host) runs ZooKeeper \(version), which can elect a leader that cannot "
                            + "commit while members are added (ZOOKEEPER-3829); use `strategy: observers`, or "
                            + "upgrade to 3.5.9, 3.6.2 or later"
                    )
                }
            }
            return .holds(observed: fleet.stats(source[0].host).map { "ZooKeeper \($0.version)" } ?? "")
        }
        return facts.and(whole(source, as: "source")).and(runs(sourceView, on: source, as: "source"))
    }

    /// Traps 2 and 3: nothing runs there, nothing is on disk, ids and files are in place.
    var destinationIsEmpty: Gate {
        Gate(
            "the destination is stopped and empty",
            hosts: destination.map(\.host),
            deadline: .seconds(15)
        ) { [destination, destinationView] fleet, _ in
            for server in destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard let zookeeper = fleet.zookeeper(server.host) else { continue }
                guard zookeeper.state == .stopped else {
                    return .never(
                        reason:
                            "\(server.host): \(server.service) is not stopped (\(zookeeper.state)); stop it, "
                            + "a destination node must not have been started before"
                    )
                }
                guard zookeeper.data.isEmpty else {
                    return .never(
                        reason:
                            "\(server.host): \(zookeeper.data.path) is not empty; its content would be mixed "
                            + "into the ensemble: look at it, then move version-2 away"
                    )
                }
                if let wrong = Self.mismatch(server, zookeeper, view: destinationView) {
                    return .never(reason: wrong)
                }
            }
            return .holds(observed: "\(destination.count) nodes stopped and empty")
        }
    }

    /// Trap 6, 18 and what `ZooConfiguration` refuses by name: judged on the survey, nothing is asked.
    var filesSuit: Gate {
        let problems = fileProblems
        let count = survey.files.count
        return Gate("every configuration file can be extended and restored", hosts: [], deadline: .seconds(1))
        {
            _,
            _ in
            problems.isEmpty
                ? .holds(observed: "\(count) files read") : .never(reason: problems.joined(separator: "\n"))
        }
    }

    private var fileProblems: [String] {
        (source + destination).compactMap { server in
            guard let file = survey.file(of: server.host) else {
                return "\(server.host): \(server.configPath) was not read"
            }
            let place = "\(server.host): \(server.configPath)"
            switch rewritten(file) {
            case .failure(let error): return "\(place): \(error)"
            case .success: return unsupported(file, server).map { "\(place): \($0)" }
            }
        }
    }

    private func unsupported(_ file: Survey.File, _ server: PlannedServer) -> String? {
        let configuration: ZooConfiguration
        do throws(ZooConfigurationError) {
            configuration = try ZooConfiguration(file.content)
        } catch {
            return "\(error)"
        }
        if let dynamic = configuration.dynamicConfigFile {
            return "dynamicConfigFile=\(dynamic): dynamic configuration is not supported; "
                + "put the server lines into this file and set reconfigEnabled=false"
        }
        if configuration.reconfigEnabled {
            return "reconfigEnabled=true: the running view could change without this file; set it to false"
        }
        if let port = configuration.clientPort, port != server.clientPort {
            return "clientPort=\(port), the plan says \(server.clientPort) (line \(server.line))"
        }
        if configuration.sslQuorum || configuration.portUnification {
            return "sslQuorum or portUnification: TLS between servers is not supported yet"
        }
        if configuration.quorumSASL {
            return "quorum.auth.enableSasl=true: SASL between servers is not supported yet"
        }
        return nil
    }

    private static func mismatch(
        _ server: PlannedServer,
        _ zookeeper: ZooKeeperStatus,
        view: [Member]
    ) -> String? {
        guard zookeeper.configPath == server.configPath else {
            return "\(server.host): the configuration file in use is \(zookeeper.configPath), the plan names "
                + "\(server.configPath) (line \(server.line))"
        }
        guard let fileView = zookeeper.fileView else {
            return "\(server.host): \(zookeeper.configPath) cannot be read as a ZooKeeper configuration"
        }
        guard Set(fileView) == Set(view) else {
            return "\(server.host): \(zookeeper.configPath) names other servers than the plan: "
                + "\(text(fileView)); the plan has \(text(view))"
        }
        guard zookeeper.data.myid == server.id.value else {
            let found = zookeeper.data.myid.map(String.init) ?? "no myid"
            return "\(server.host): \(zookeeper.data.path)/myid holds \(found), the plan says \(server.id) "
                + "(line \(server.line))"
        }
        if let accepted = zookeeper.data.acceptedEpoch, let current = zookeeper.data.currentEpoch,
            accepted < current
        {
            return
                "\(server.host): acceptedEpoch \(accepted) is below currentEpoch \(current): its data directory "
                + "is damaged; never edit these files, replace the node"
        }
        return zookeeper.data.problems.first.map { "\(server.host): \($0)" }
    }

    private static func text(_ view: [Member]) -> String {
        view.sorted { $0.id < $1.id }
            .map { "\($0.id)=\($0.address):\($0.quorumPort):\($0.electionPort)" }
            .joined(separator: " ")
    }
}
