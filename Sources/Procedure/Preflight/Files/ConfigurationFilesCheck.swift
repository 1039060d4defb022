import ControlProtocol
import Settings
import Topology

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
}
