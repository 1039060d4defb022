private import Glibc

/// A fault, done to a host under systemd.
struct FaultStrike: Sendable {
    /// Shorter than what ZooKeeper calls a dead peer, and longer than any look at a host takes.
    static let pause = Duration.seconds(6)
    static let cut = Duration.seconds(8)
    /// After which what looks after a server starts it again.
    static let restart = Duration.seconds(2)
    /// Longer than any other node needs to be started and to elect a leader with another one.
    private static let slowStart = 4
    /// An outage is repeated: which notifications of an election come first is nobody's choice.
    private static let outages = 5

    static let zookeeper = "zookeeper.service"

    let lab: Lab
    let coordinator: ProcessRecord
    let workload: Workload

    /// Returns when the fault is over, or done; a lag lasts until `heal`.
    func perform(_ kind: FaultCase.Kind, on host: LabHost) async throws {
        if kind.endsCoordinator { coordinator.signal(SIGKILL) }
        switch kind {
        case .coordinator: break
        case .agent, .coordinatorAndAgent: try await signal("SIGKILL", UnitFiles.agent, on: host)
        case .server:
            try await signal("SIGKILL", Self.zookeeper, on: host)
            try await Task.sleep(for: Self.restart)
            // It may be held back, or not be meant to run at all: what did not run is not started.
            _ = try await lab.systemctl(["start", Self.zookeeper], on: host)
        case .pause:
            try await signal("SIGSTOP", Self.zookeeper, on: host)
            try await Task.sleep(for: Self.pause)
            try await signal("SIGCONT", Self.zookeeper, on: host)
        case .cut:
            try await lab.network.setLink(of: host.name, up: false)
            try await Task.sleep(for: Self.cut)
            try await lab.network.setLink(of: host.name, up: true)
        case .boot, .coordinatorAndBoot: try await lab.crashAndBoot(host)
        case .slowDisk: try await HostFaults(lab, host).slowDisk()
        case .fullDisk: try await HostFaults(lab, host).fullDisk()
        case .clock: try await HostFaults(lab, host).clockJumps()
        case .lag: try await leaveBehind(butFor: host)
        case .outage: try await outage()
        }
    }

    /// Ends what lasts longer than the strike.
    func heal(_ kind: FaultCase.Kind, on host: LabHost) async throws {
        guard kind == .lag else { return }
        for other in lab.configuration.seeds where other != host { try await QuorumLag(lab).end(on: other) }
        try Folder.remove(slowness(of: host))
        _ = try await lab.systemctl(["daemon-reload"], on: host)
    }

    private func leaveBehind(butFor host: LabHost) async throws {
        // However busy the machine: nothing is detached before one node alone has the newest writes.
        coordinator.signal(SIGSTOP)
        defer { coordinator.signal(SIGCONT) }
        for other in lab.configuration.seeds where other != host { try await QuorumLag(lab).begin(on: other) }
        try Folder.write(
            "[Service]\nExecStartPre=/bin/sleep \(Self.slowStart)\n",
            to: slowness(of: host)
        )
        _ = try await lab.systemctl(["daemon-reload"], on: host)
        try await workload.waitForWrites(10, .destination, seconds: 60)
    }

    private func slowness(of host: LabHost) throws(LabError) -> String {
        let folder = lab.layout.host(host).units + "/\(Self.zookeeper).d"
        try Folder.make(folder)
        return folder + "/slow.conf"
    }

    /// Ends when the source has no leader of its own any more, or after the last.
    private func outage() async throws {
        for _ in 0..<Self.outages {
            // An election more at the destination: its epoch is ahead of the source's, whose nodes would vote for it if they could.
            try await restart(lab.configuration.destinationHosts)
            try await lab.waitUntilServing(.destination, seconds: 60)
            try await restart(lab.configuration.destinationHosts + lab.configuration.sourceHosts)
            try await lab.waitUntilServing(.destination, seconds: 60)
            do { try await lab.waitUntilServing(.source, seconds: 40) } catch LabError.late { return }
        }
    }

    private func restart(_ hosts: [LabHost]) async throws {
        // A unit that is still seen as running would not be started: a restart waits for its end.
        for command in [["kill", "--signal=SIGKILL"], ["restart", "--no-block"]] {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for host in hosts {
                    group.addTask { _ = try await lab.systemctl(command + [Self.zookeeper], on: host) }
                }
                try await group.waitForAll()
            }
        }
    }

    /// A unit that does not run is left as it is.
    private func signal(_ name: String, _ unit: String, on host: LabHost) async throws(LabError) {
        _ = try await lab.systemctl(["kill", "--signal=\(name)", unit], on: host)
    }
}

extension Lab {
    /// Lets a host start its ZooKeeper when it boots, as far as nothing holds it back.
    package func enableZooKeeper(on host: LabHost) async throws(LabError) {
        let unit = "zookeeper.service"
        let step = "enabling \(unit) on \(host.name)"
        if host.side == .destination {
            let printed = try await inside(host, [binaries.agent, "--print-hold", unit])
            guard printed.succeeded else { throw .failed(step: step, diagnostics: printed.diagnostics) }
            let folder = layout.host(host).units + "/\(unit).d"
            try Folder.make(folder)
            // As the operator's manual says; the lab's agent lies elsewhere.
            try Folder.write(
                printed.output.replacing("/usr/bin/mitosis-agent", with: binaries.agent),
                to: folder + "/mitosis-hold.conf"
            )
        }
        for command in [["daemon-reload"], ["enable", unit]] {
            let ended = try await systemctl(command, on: host)
            guard ended.succeeded else { throw .failed(step: step, diagnostics: ended.diagnostics) }
        }
    }
}
