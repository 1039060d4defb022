internal import FoundationEssentials
private import Glibc

/// A whole run under writing clients with one fault in it, what its operator does then, and what is there at the end.
package struct FaultRun: Sendable {
    /// More than these of an operator are a fault of ours.
    private static let patience = 6
    /// In which the place must be reached, and the run come to an end.
    private static let limit = Duration.seconds(420)

    package let lab: Lab
    package let fault: FaultCase

    package init(_ lab: Lab, _ fault: FaultCase) {
        self.lab = lab
        self.fault = fault
    }

    private var log: String { lab.layout.control + "/run.log" }

    /// The lab must be up, under systemd, and is left up.
    package func perform() async throws -> FaultReport {
        guard lab.configuration.mode == .systemd else {
            throw LabError.invalid(reason: "faults need hosts with systemd")
        }
        let struck = try fault.check(against: lab.configuration)
        for host in lab.configuration.zooKeeperHosts { try await lab.enableZooKeeper(on: host) }
        if fault.kind.isPreloaded { try await HostFaults(lab, struck).prepare() }
        let files = try files()
        let workload = Workload(lab, through: fault.kind == .lag ? [struck] : nil)
        try await workload.start(seconds: 1500)
        try await workload.waitUntilWriting(.source, seconds: 60)

        var report = FaultReport(fault: fault, strategy: lab.configuration.strategy)
        let run = try Launcher(namespace: lab.namespace(of: lab.configuration.control), log: log).launch(
            command(["run", lab.layout.plan, "--yes"])
        )
        report.struck = try await waitForPlace(run)
        let strike = FaultStrike(lab: lab, coordinator: run, workload: workload)
        if report.struck { try await strike.perform(fault.kind, on: struck) }
        if await !run.isGone(within: Self.limit) {
            report.problems.append("the coordinator did not come to an end within \(Self.limit)")
            try await run.end(first: SIGKILL, grace: .seconds(10))
        }
        report.unaided = EventLog.hasFinished(events())
        if report.struck { try await strike.heal(fault.kind, on: struck) }
        try await FaultOperator(run: self, files: files).finish(&report)
        try await judge(&report, workload, files: files)
        return report
    }

    /// Whether the place is reached before the run ends.
    private func waitForPlace(_ run: ProcessRecord) async throws -> Bool {
        let deadline = ContinuousClock.now + Self.limit
        while !EventLog.has(fault.moment.event, of: fault.step, in: events()) {
            guard run.isRunning, ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(2))
        }
        return true
    }

    private func judge(_ report: inout FaultReport, _ workload: Workload, files: [String: String])
        async throws
    {
        let finished = EventLog.hasFinished(events())
        if !report.struck { report.problems.append("\(FaultReport.unreached(fault)): \(said(log))") }
        if !finished {
            report.problems.append("the migration did not come to its end in \(Self.patience) commands")
        }
        // Nobody is left to write after the run as before it; a little is written before all is looked at.
        if finished {
            try await workload.waitForWrites(10, .source, seconds: 60)
            try await workload.waitForWrites(10, .destination, seconds: 60)
        }
        let summary = try await LabRun(lab).summarize(finished ? 0 : 1, workload)
        report.acknowledged = summary.source.acknowledged + summary.destination.acknowledged
        report.lost = summary.source.lost.count + summary.destination.lost.count
        report.compared = EventLog.has("stepFinished", of: "proof.compare", in: events())
        // A fault may keep a client's servers away for longer than its session lasts.
        let sessions = ["the client lost its session", "the client lost its ephemeral node"]
        report.problems += summary.problems.filter { problem in
            !sessions.contains { problem.hasSuffix($0) }
        }
        for (path, text) in try self.files() where files[path] != text {
            report.problems.append("\(path) is not as it was before the run")
        }
        for host in lab.configuration.servingHosts {
            let order = lab.layout.host(host).state + "/orders/standing.json"
            if FileManager.default.fileExists(atPath: order) {
                report.problems.append("\(host.name) still has an order")
            }
        }
        if finished, !report.compared { report.problems.append("the trees were not compared") }
    }

    /// Every server's configuration file.
    func files() throws(LabError) -> [String: String] {
        var files: [String: String] = [:]
        for host in lab.configuration.zooKeeperHosts {
            let path = lab.layout.host(host).zooKeeperConfiguration
            files[path] = try Folder.read(path)
        }
        return files
    }

    func command(_ arguments: [String]) -> [String] {
        [lab.binaries.coordinator] + arguments + ["--events", lab.layout.events]
    }

    func events() -> String {
        do { return try Folder.read(lab.layout.events) } catch { return "" }
    }

    func said(_ path: String) -> String {
        do { return String(try Folder.read(path).suffix(600)) } catch { return "\(error)" }
    }

    var patience: Int { Self.patience }
}
