import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 2.
    package static func sourceEnsemble(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        let sourceView = subject.plan.sourceMembers
        return Check(
            .sourceEnsemble,
            "exactly one source server leads, all others follow, and all run the plan's view",
            remedy:
                "Bring the source to one leader with every other server following; a server that runs another view, or one "
                + "that its agent did not see start, is to be restarted with its file",
            looking: Look(hosts: source.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            var voters = Voters()
            var unasked = source.count
            subject.remarkSilentLeaders(source, fleet, &remarks)
            for (server, zookeeper) in fleet.onPlan(source) {
                if zookeeper.serving == .looking, subject.isSilentLeader(server, fleet) { continue }
                // One that answers and refuses the question is for `four-letter-words`.
                if !zookeeper.serving.isSilenced { unasked -= 1 }
                remark(server, zookeeper, sourceView, &remarks, &voters)
            }
            let leaders = voters.leaders
            if leaders.count > 1 { remarks.wait("\(leaders.list) all lead") }
            if leaders.isEmpty, unasked == 0 { remarks.wait("no source server leads") }
            if let leader = voters.leader, unasked == 0,
                let synced = voters.synced(fleet, tooFewOf: source.count)
            {
                remarks.wait("\(leader) leads, \(synced) of \(source.count - 1) followers are in sync")
            }
            let leader = leaders.isEmpty ? "one that was not asked" : leaders.list
            return remarks.verdict("\(leader) leads, \(source.count - unasked) of \(source.count) serve")
        }
    }

    private static func remark(
        _ server: PlannedServer,
        _ zookeeper: ZooKeeperStatus,
        _ view: [Member],
        _ remarks: inout Remarks,
        _ voters: inout Voters
    ) {
        let host = server.host
        switch zookeeper.state {
        case .stopped: return remarks.refuse("\(host): \(zookeeper.service) is stopped")
        case .failed(let reason): return remarks.refuse("\(host): \(zookeeper.service) has failed: \(reason)")
        case .changing: return remarks.wait("\(host): \(zookeeper.service) is being started or stopped")
        case .running: break
        }
        switch zookeeper.serving {
        case .yes(let stats):
            if let fault = voters.note(stats, of: host) { remarks.refuse(fault) }
        case .looking: remarks.wait(FleetView.looking(host))
        case .unreachable(let reason):
            if !zookeeper.serving.isSilenced { remarks.wait("\(host) does not answer: \(reason)") }
            return
        }
        guard let running = zookeeper.runningView else {
            return remarks.wait("\(host): which view its process runs is not known")
        }
        if Set(running) != Set(view) {
            let ids = running.map(\.id).sorted().map(\.description).joined(separator: " ")
            remarks.refuse("\(host): its process runs another view than the plan's (ids \(ids))")
        }
    }
}

extension SurveyedPlan {
    /// `configuration-files` refuses the file's key, which counts before the property.
    fileprivate func isSilentLeader(_ server: PlannedServer, _ fleet: FleetView) -> Bool {
        configuration(of: server)?["leaderServes"] == nil
            && fleet.zookeeper(server.host)?.javaProperties?[ToldProperties.leaderServes] == "no"
    }

    /// A leader that serves nobody says the same as a server that looks for one.
    func remarkSilentLeaders(_ servers: [PlannedServer], _ fleet: FleetView, _ remarks: inout Remarks) {
        for server in servers where isSilentLeader(server, fleet) {
            remarks.refuse(
                "\(server.host): its process was started with -D\(ToldProperties.leaderServes)=no: once it leads it answers nobody, "
                    + "and cannot be told from a sick server; start it without"
            )
        }
    }
}
