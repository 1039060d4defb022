internal import FoundationEssentials

/// An operator after a fault: reads what the last command said, and gives the next.
struct FaultOperator: Sendable {
    let run: FaultRun
    /// Every configuration file as it was before the run.
    let files: [String: String]

    private var lab: Lab { run.lab }

    /// Ends with the migration done, or with what cannot be done said.
    func finish(_ report: inout FaultReport) async throws {
        var isBack = false
        var isTaken = false
        var last = ""
        while !EventLog.hasFinished(run.events()), report.attempts.count < run.patience {
            for host in lab.configuration.servingHosts {
                try await lab.waitForAgent(on: host, seconds: 60)
            }
            try await startSource()
            try await obey(last)
            let command: [String]
            switch run.fault.way {
            case .takeover where !isTaken && run.fault.kind.endsCoordinator:
                isTaken = true
                try loseJournal()
                command = ["takeover", lab.layout.plan, "--yes", "--then", "run"]
            case .back where !isBack:
                command = ["rollback", lab.layout.plan, "--yes"]
            case .forward, .back, .takeover:
                command = Self.next(after: last, plan: lab.layout.plan)
            }
            let ended = try await lab.run(run.command(command), on: lab.configuration.control)
            last = ended.output + ended.errors
            report.attempts.append(
                FaultReport.Attempt(
                    command: command.filter { $0 != lab.layout.plan }.joined(separator: " "),
                    status: ended.status,
                    said: ended.succeeded ? nil : String(last.suffix(600))
                )
            )
            if run.fault.way == .back, !isBack {
                isBack =
                    ended.succeeded || last.contains("past the point of no return")
                    || last.contains("point of no return is passed")
                    || last.contains("nothing is to be taken back")
                    || last.contains("is not taken back")
                if ended.succeeded { try requireUntouched(&report) }
            }
        }
    }

    /// What the words of the last command ask for.
    private static func next(after said: String, plan: String) -> [String] {
        // The hosts went back by themselves.
        if said.contains("went back to the joint ensemble") { return ["rollback", plan, "--to", "joint"] }
        // A run that had changed nothing when it was killed is begun anew; the dead one's lease still has a while.
        if said.contains("`mitosis run --take-over`") { return ["run", plan, "--yes", "--take-over"] }
        return ["run", plan, "--yes"]
    }

    /// A source server that does not run is started, as anybody would; a destination's is the run's business.
    private func startSource() async throws {
        for host in lab.configuration.sourceHosts {
            _ = try await lab.systemctl(["start", "zookeeper.service"], on: host)
        }
    }

    /// What a stop names, host by host: one that nothing is ordered on yet has started its ZooKeeper at boot; a server has come back
    /// with a hole in its log.
    private func obey(_ said: String) async throws {
        for host in lab.configuration.destinationHosts {
            // A run says the one, its preflight the other.
            let mustStop =
                said.contains("\(host.name) must be stopped and empty")
                || said.contains("destination-stopped: \(host.name): ")
            let beginsAnew = said.contains("\(host.name): its log lacks")
            guard mustStop || beginsAnew else { continue }
            _ = try await lab.systemctl(["stop", "zookeeper.service"], on: host)
            try Folder.remove(lab.layout.host(host).data + "/version-2")
            if beginsAnew { _ = try await lab.systemctl(["start", "zookeeper.service"], on: host) }
        }
    }

    /// The coordinator's machine is gone with what it knew; the plan and the keys are elsewhere, too.
    private func loseJournal() throws(LabError) {
        for name in try Folder.entries(lab.layout.control) where name.hasPrefix("journal.sqlite") {
            try Folder.remove(lab.layout.control + "/" + name)
        }
    }

    private func requireUntouched(_ report: inout FaultReport) throws(LabError) {
        for (path, text) in try run.files() where files[path] != text {
            report.problems.append("\(path) is not as it was before the run, after the rollback")
        }
    }
}
