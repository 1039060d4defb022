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
            let command: [String]
            switch run.fault.way {
            case .takeover where !isTaken && run.fault.kind.endsCoordinator:
                isTaken = true
                try loseJournal()
                command = ["takeover", lab.layout.plan, "--yes", "--then", "run"]
            case .back where !isBack:
                command = ["rollback", lab.layout.plan, "--yes"]
            case .forward, .back, .takeover:
                command =
                    Self.wantsTheWayBack(last)
                    ? ["rollback", lab.layout.plan, "--to", "joint"] : ["run", lab.layout.plan, "--yes"]
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
                    || last.contains("point of no return is passed") || last.contains("nothing to take back")
                if ended.succeeded { try requireUntouched(&report) }
            }
        }
    }

    /// The hosts went back by themselves, and the run wants that known.
    private static func wantsTheWayBack(_ said: String) -> Bool {
        said.contains("went back to the joint ensemble")
    }

    /// A source server that does not run is started, as anybody would; a destination's is the run's business.
    private func startSource() async throws {
        for host in lab.configuration.sourceHosts {
            _ = try await lab.systemctl(["start", "zookeeper.service"], on: host)
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
