import ControlProtocol
import Settings
import Topology

/// Checks of configuration files, as they were read when the run began.
extension Check {
    package static func configurationFiles(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let survey = subject.survey
        return Check(
            .configurationFiles,
            "every zoo.cfg can be read, extended and restored, and names the plan's servers",
            remedy:
                "Let each side's files name exactly the servers of that side, as the plan does, and allow them in the "
                + "agents' 'files'",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            for server in plan.servers {
                let place = "\(server.host): \(server.configPath)"
                // A silent agent is another check's finding.
                if let unread = survey.unread.first(where: { $0.host == server.host }), !unread.isSilence {
                    remarks.refuse("\(place): \(unread.reason)")
                }
                guard let file = survey.file(of: server.host) else { continue }
                if let now = fleet.zookeeper(server.host), now.configPath == server.configPath,
                    now.file.digest != file.digest
                {
                    remarks.refuse("\(place): somebody else changed it since it was read; start again")
                    continue
                }
                for fault in faults(of: file, server, subject) { remarks.refuse("\(place): \(fault)") }
            }
            return remarks.verdict("\(survey.files.count) files read")
        }
    }

    private static func faults(of file: Survey.File, _ server: PlannedServer, _ subject: SurveyedPlan)
        -> [String]
    {
        let configuration: ZooConfiguration
        do throws(ZooConfigurationError) {
            configuration = try ZooConfiguration(file.content)
            _ = try subject.joint.content(of: file)
        } catch {
            return ["\(error)"]
        }
        var faults: [String] = []
        let plan = subject.plan
        let isSource = plan.source.contains { $0.host == server.host }
        let view = isSource ? plan.sourceMembers : plan.destinationMembers
        if Set(configuration.members) != Set(view) {
            faults.append(
                "it names other servers than the plan: \(text(configuration.members)); the plan has \(text(view))"
            )
        }
        if let port = configuration.clientPort, port != server.clientPort {
            faults.append("clientPort=\(port), the plan says \(server.clientPort) (line \(server.line))")
        }
        return faults
    }

    private static func text(_ view: [Member]) -> String {
        guard !view.isEmpty else { return "none" }
        return view.sorted { $0.id < $1.id }
            .map { "\($0.id)=\($0.address):\($0.quorumPort):\($0.electionPort)" }
            .joined(separator: " ")
    }

    /// Trap 15: what counts is the file that the process reads, whatever a unit says.
    package static func configPaths(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        return Check(
            .configPaths,
            "every server uses the configuration file that the plan names",
            remedy:
                "Name the file that the service is started with in the plan and in the agent's configuration (a unit's "
                + "override can point elsewhere)",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let seen = fleet.seen(plan.servers)
            for (server, zookeeper) in seen where zookeeper.configPath != server.configPath {
                let who =
                    zookeeper.pid == nil ? "its agent's configuration names" : "the running server reads"
                remarks.refuse(
                    "\(server.host): \(who) \(zookeeper.configPath), the plan \(server.configPath) (line "
                        + "\(server.line))"
                )
            }
            return remarks.verdict("\(seen.count) servers")
        }
    }

    /// Trap 6.
    package static func staticConfiguration(_ subject: SurveyedPlan) -> Check {
        onFiles(
            subject,
            .staticConfiguration,
            "no file lets the ensemble change without it",
            remedy:
                "Put the server lines into the file itself, remove dynamicConfigFile, and set reconfigEnabled=false"
        ) { file in
            [
                file.dynamicConfigFile.map { "dynamicConfigFile=\($0)" },
                file.reconfigEnabled ? "reconfigEnabled=true" : nil,
            ].compactMap(\.self)
        }
    }

    /// Trap 18.
    package static func quorumSecurity(_ subject: SurveyedPlan) -> Check {
        onFiles(
            subject,
            .quorumSecurity,
            "servers speak to each other without TLS and SASL",
            remedy:
                "TLS and SASL between servers are not supported: with a waiver, see yourself that both sides accept each "
                + "other's certificates or principals"
        ) { file in
            [
                file.sslQuorum ? "sslQuorum=true" : nil,
                file.portUnification ? "portUnification=true" : nil,
                file.quorumSASL ? "quorum.auth.enableSasl=true" : nil,
            ].compactMap(\.self)
        }
    }

    private static func onFiles(
        _ subject: SurveyedPlan,
        _ name: CheckName,
        _ title: String,
        remedy: String,
        _ faults: (ZooConfiguration) -> [String]
    ) -> Check {
        var remarks = Remarks()
        let files = subject.configurations
        for (server, file) in files {
            for fault in faults(file) { remarks.refuse("\(server.host): \(server.configPath): \(fault)") }
        }
        let verdict = remarks.verdict("\(files.count) files")
        return Check(name, title, remedy: remedy, looking: Look()) { _, _ in verdict }
    }

    /// Trap 11: a client keeps its session over the division only if the other side grants it the same timeout.
    package static func sessionLimits(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        let destination = subject.plan.destination
        var remarks = Remarks()
        let limits = source.compactMap { subject.configuration(of: $0) }
        let least = limits.map(\.minSessionTimeout).min() ?? 0
        let most = limits.map(\.maxSessionTimeout).max() ?? 0
        for server in destination {
            guard let file = subject.configuration(of: server) else { continue }
            let range = "\(file.minSessionTimeout) to \(file.maxSessionTimeout) ms"
            if file.minSessionTimeout > least || file.maxSessionTimeout < most {
                remarks.refuse(
                    "\(server.host) grants sessions of \(range), the source of \(least) to \(most) ms"
                )
            }
        }
        let verdict = remarks.verdict(
            "the source grants sessions of \(least) to \(most) ms, the destination no less"
        )
        return Check(
            .sessionLimits,
            "the destination grants every session timeout that the source grants",
            remedy:
                "Give the destination's files the source's tickTime, minSessionTimeout and maxSessionTimeout: the timeout "
                + "of a client that reconnects would be cut to the narrower range",
            looking: Look()
        ) { _, _ in verdict }
    }

    /// Trap 4.
    package static func observerSync(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let destination = subject.plan.destination
        var remarks = Remarks()
        switch plan.strategy {
        case .participants: break
        case .observers:
            for server in destination where subject.configuration(of: server)?.syncEnabled == false {
                remarks.refuse("\(server.host): \(server.configPath): syncEnabled=false")
            }
        }
        let verdict = remarks.verdict(
            plan.strategy == .observers
                ? "\(destination.count) observers keep what they learn on disk" : "no server observes"
        )
        return Check(
            .observerSync,
            "observers keep on disk what they learn",
            remedy:
                "Remove syncEnabled=false from the destination's files: at the division nothing would be on disk",
            looking: Look()
        ) { _, _ in verdict }
    }

    /// Trap 21.
    ///
    /// What a file sets overrides the JVM's property.
    package static func durableWrites(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let configurations = subject.configurations
        return Check(
            .durableWrites,
            "every server forces a transaction to disk before it acknowledges it",
            remedy:
                "Remove forceSync=no from the file and -Dzookeeper.forceSync=no from the JVM's flags, and restart the server",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            for server in plan.servers {
                let file = configurations.first { $0.server.host == server.host }?.file["forceSync"]
                let flag = fleet.zookeeper(server.host)?.javaProperties?["zookeeper.forceSync"]
                if file == "no" { remarks.refuse("\(server.host): \(server.configPath): forceSync=no") }
                if file == nil, flag == "no" {
                    remarks.refuse("\(server.host): its process was started with -Dzookeeper.forceSync=no")
                }
            }
            return remarks.verdict("forceSync is on everywhere")
        }
    }

    /// Trap 14.
    ///
    /// Judged on the flags of the processes; those of the destination are compared when they have joined.
    package static func maxBuffer(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        let configurations = subject.configurations
        let inFiles = configurations.filter { $0.file["jute.maxbuffer"] != nil }.map(\.server)
        return Check(
            .maxBuffer,
            "the same jute.maxbuffer in every JVM of the source",
            remedy: "Start every server, the destination's too, with the same -Djute.maxbuffer",
            looking: Look(hosts: source.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            var sizes = BufferSizes()
            for (server, zookeeper) in fleet.seen(source) {
                guard let properties = zookeeper.javaProperties else { continue }
                sizes.note(properties, of: server.host)
            }
            if sizes.differ { remarks.refuse("jute.maxbuffer is \(sizes)") }
            for server in inFiles {
                remarks.warn(
                    "\(server.host): \(server.configPath): jute.maxbuffer has no effect in this file"
                )
            }
            return remarks.verdict("jute.maxbuffer is \(sizes)")
        }
    }
}
