internal import FoundationEssentials
private import Glibc
internal import SystemCalls

extension Lab {
    /// Why this machine cannot run a systemd per host, or nil when nothing speaks against it.
    package static func systemdObstacle() -> String? {
        for program in ["/usr/bin/systemd-nspawn", "/usr/bin/unshare", "/lib/systemd/systemd"]
        where !FileManager.default.isExecutableFile(atPath: program) {
            return "\(program) is missing (apt-get install systemd-container)"
        }
        if !FileManager.default.isWritableFile(atPath: "/sys/fs/cgroup") {
            return "control groups are not writable"
        }
        return nil
    }

    func writeUnits(of host: LabHost, _ program: HostProgram, folders: [String]) throws(LabError) {
        let files = layout.host(host)
        let view = view(of: host)
        let dropIns =
            configuration.agents
            ? [UnitFiles.dropIns, UnitFiles.lapseDropIns].map { files.units + "/" + $0 } : []
        for folder in [files.units, files.rootView] + dropIns {
            try Folder.make(folder)
        }
        let agent = configuration.agents ? [binaries.agent, "--config", view.agentConfiguration] : nil
        var shipped: [String: String] = [:]
        for name in agent == nil ? [] : [UnitFiles.agent] + UnitFiles.lapses {
            shipped[name] = try Folder.read(binaries.shippedUnit(name))
        }
        let units = UnitFiles.texts(
            agent: agent,
            shipped: shipped,
            program: program,
            logs: files.logs,
            sshd: configuration.sshd
        )
        for (name, text) in units { try Folder.write(text, to: files.units + "/" + name) }
        try mask("systemd-machine-id-commit.service", in: files.units)
        let digits = (0..<32).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
        try Folder.write(digits + "\n", to: files.machineID)
        try RecordFile.write(Container(host, in: self, folders: folders), at: files.container)
    }

    /// Narrows the agents' units to the paths of their hosts, and widens what undoes a division, as the operator's manual says.
    func narrowAgents() async throws {
        let dropIns = [
            ("--print-drop-in", UnitFiles.dropIns), ("--print-lapse-drop-in", UnitFiles.lapseDropIns),
        ]
        for host in configuration.servingHosts {
            let files = layout.host(host)
            for (option, folder) in dropIns {
                let arguments = [binaries.agent, "--config", view(of: host).agentConfiguration, option]
                let printed = try await inside(host, arguments)
                guard printed.succeeded else {
                    throw LabError.failed(
                        step: "\(folder) on \(host.name)",
                        diagnostics: printed.diagnostics
                    )
                }
                try Folder.write(printed.output, to: "\(files.units)/\(folder)/paths.conf")
            }
            for command in [["daemon-reload"], ["restart", UnitFiles.agent]] {
                let ended = try await systemctl(command, on: host)
                guard ended.succeeded else {
                    throw LabError.failed(
                        step: "systemctl \(command.joined(separator: " ")) on \(host.name)",
                        diagnostics: ended.diagnostics
                    )
                }
            }
        }
    }

    /// Keeps a unit that has no business in a container from being started at all.
    private func mask(_ unit: String, in folder: String) throws(LabError) {
        do {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/\(unit)",
                withDestinationPath: "/dev/null"
            )
        } catch {
            throw .file(path: "\(folder)/\(unit)", reason: "cannot be made: \(error)")
        }
    }

    /// Boots every ZooKeeper and broker host at once.
    func bootContainers(seconds: Int) async throws {
        report("systemd: booting \(names(configuration.servingHosts))")
        for host in configuration.servingHosts { try await startContainer(of: host) }
        let deadline = ContinuousClock.now + .seconds(seconds)
        for host in configuration.servingHosts {
            try await waitForSystemd(on: host, until: deadline, seconds: seconds)
        }
    }

    private func startContainer(of host: LabHost) async throws {
        let files = layout.host(host)
        let boot = [binaries.lab, "boot", "--host-directory", files.root]
        let apart = ["/usr/bin/unshare", "--mount", "--propagation", "private", "--"]
        let output = ["--record", files.containerRecord, "--log", files.logs + "/console.log", "--"]
        try await Tool([binaries.lab, "launch"] + output + apart + boot)
            .output(step: "starting the container of \(host.name)")
    }

    /// All of its processes end at once and its rules are gone, as in a crash; then it boots.
    ///
    /// Its files are as they were left.
    package func crashAndBoot(_ host: LabHost, seconds: Int = 90) async throws {
        let record = layout.host(host).containerRecord
        guard let first = try await firstProcess(of: host),
            let keeper = try RecordFile.read(ProcessRecord.self, at: record)
        else { throw LabError.failed(step: "crashing \(host.name)", diagnostics: "its systemd does not run") }
        let deadline = ContinuousClock.now + .seconds(seconds)
        // The kernel ends everything in a container with its first process.
        first.signal(SIGKILL)
        while true {
            let left = try await inhabitants(of: namespace(of: host))
            if left.isEmpty, !keeper.isRunning { break }
            guard ContinuousClock.now < deadline else {
                throw LabError.late(
                    what: "the end of \(host.name)",
                    seconds: seconds,
                    seen: "processes are left"
                )
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        try await Tool(["nft", "flush", "ruleset"], namespace: namespace(of: host)).output(
            step: "losing the rules"
        )
        try await startContainer(of: host)
        try await waitForSystemd(on: host, until: deadline, seconds: seconds)
    }

    private func waitForSystemd(
        on host: LabHost,
        until deadline: ContinuousClock.Instant,
        seconds: Int
    ) async throws {
        let files = layout.host(host)
        while true {
            var seen = "no first process yet"
            if try await firstProcess(of: host) != nil {
                let state = try await systemctl(["is-active", "lab.target"], on: host)
                if state.succeeded { return }
                seen = state.diagnostics
            }
            let record = try RecordFile.read(ProcessRecord.self, at: files.containerRecord)
            guard record?.isRunning == true, ContinuousClock.now < deadline else {
                let console = said(files.logs + "/console.log")
                throw LabError.late(
                    what: "the boot of \(host.name)",
                    seconds: seconds,
                    seen: "\(seen); \(console)"
                )
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// The main process of a unit, as the host's systemd numbers it; nil when it does not run.
    func mainProcess(of unit: String, on host: LabHost) async throws(LabError) -> Int? {
        guard try await firstProcess(of: host) != nil else { return nil }
        let shown = try await systemctl(["show", "--property=MainPID", "--value", unit], on: host)
        let number = Int(shown.output.split(separator: "\n").first ?? "") ?? 0
        return number > 0 ? number : nil
    }

    /// The container's systemd, as this machine numbers it.
    package func firstProcess(of host: LabHost) async throws(LabError) -> ProcessRecord? {
        for process in try await inhabitants(of: namespace(of: host)) {
            let status = KernelText.read("/proc/\(process.pid)/status") ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix("NSpid:") }
            let numbers = line?.split(separator: "\t").dropFirst() ?? []
            if numbers.count > 1, numbers.last == "1" { return process }
        }
        return nil
    }

    /// Runs `systemctl` inside the host.
    package func systemctl(_ arguments: [String], on host: LabHost) async throws(LabError) -> Tool.Outcome {
        try await self.inside(host, ["/usr/bin/systemctl", "--no-pager"] + arguments)
    }

    /// Runs a program inside the host, as its first process would.
    package func inside(_ host: LabHost, _ command: [String]) async throws(LabError) -> Tool.Outcome {
        guard let first = try await firstProcess(of: host) else {
            throw .failed(step: "\(command[0]) on \(host.name)", diagnostics: "its systemd does not run")
        }
        let inside = [
            "/usr/bin/nsenter", "--target", String(first.pid), "--mount", "--pid", "--net", "--uts", "--ipc",
        ]
        return try await Tool(inside + ["--"] + command).outcome()
    }
}
