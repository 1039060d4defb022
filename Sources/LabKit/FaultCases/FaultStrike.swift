private import Glibc

/// A fault, done to a host under systemd.
struct FaultStrike: Sendable {
    /// Shorter than what ZooKeeper calls a dead peer, and longer than any look at a host takes.
    static let pause = Duration.seconds(6)
    static let cut = Duration.seconds(8)
    /// After which what looks after a server starts it again.
    static let restart = Duration.seconds(2)

    private static let zookeeper = "zookeeper.service"

    let lab: Lab
    let coordinator: ProcessRecord

    /// Returns when the fault is over, or done.
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
