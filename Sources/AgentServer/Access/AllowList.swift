package import ControlProtocol
package import Topology

/// What this host's own configuration lets a coordinator ask for.
package struct AllowList: Hashable, Sendable {
    package let peers: [AddressBlock]
    package let files: [String]
    package let services: [String]
    /// The agent's own port among them: no wall may match these.
    package let protectedPorts: [Port]
    /// Of this host alone: whether a service of its own answers.
    private static let loopback = IPAddress("127.0.0.1")
    /// The address that the agent itself listens on, if it is one.
    package let own: IPAddress?

    package init(
        peers: [AddressBlock],
        files: [String],
        services: [String],
        protectedPorts: [Port],
        own: IPAddress? = nil
    ) {
        self.own = own
        self.peers = peers
        self.files = files
        self.services = services
        self.protectedPorts = protectedPorts
    }

    /// Why the command is out of bounds; nil when it is within.
    package func objection(to command: Command) -> Refusal? {
        switch command {
        case .installWall(let wall, let holding, let lapse):
            objection(to: wall) ?? (holding ?? []).lazy.compactMap { objection(toService: $0) }.first
                ?? objection(to: lapse)
        case .sever(let wall): objection(to: wall)
        case .removeWall: nil
        case .pilotWall(let wall): objection(toPilot: wall)
        case .writeFile(let write): objection(toFile: write.path)
        case .restoreFile(let restore): objection(toFile: restore.path)
        case .service(let request): objection(toService: request.service)
        case .detach(let request): objection(to: request)
        case .discardCopy: nil
        case .keepOrder(let restoring):
            (restoring ?? []).lazy.compactMap { objection(toFile: $0.path) }.first
        case .setAside(let request): objection(toService: request.service)
        case .removeHandMadeRules(let request): objection(to: request)
        }
    }

    private func objection(to request: DetachRequest) -> Refusal? {
        guard (1...600).contains(request.seconds) else {
            return .invalid(reason: "a detachment's deadline is 1 to 600 seconds, not \(request.seconds)")
        }
        return objection(toService: request.service) ?? objection(to: request.wall)
            ?? objection(to: request.lapse)
    }

    private func objection(to lapse: LapseRequest?) -> Refusal? {
        lapse?.files.lazy.compactMap { objection(toFile: $0.path) }.first
    }

    package func objection(to wall: Wall) -> Refusal? {
        if wall.peers.isEmpty { return .invalid(reason: "a wall needs at least one peer address") }
        for peer in wall.peers where !isPeer(peer) {
            return .notAllowed(reason: "\(peer) is in none of firewall.peers (\(list(peers)))")
        }
        return objection(to: wall.scope)
    }

    /// Nobody has these addresses, so that this host's configuration need not allow them.
    private func objection(toPilot wall: Wall) -> Refusal? {
        guard wall.isPilot else {
            return .notAllowed(
                reason:
                    "a wall for a trial takes addresses for documentation only (\(list(Wall.pilotBlocks)))"
            )
        }
        return objection(to: wall.scope)
    }

    private func objection(to scope: Wall.Scope) -> Refusal? {
        switch scope {
        case .allTCP: return nil
        case .ports(let numbers):
            if numbers.isEmpty { return .invalid(reason: "a wall of scope 'ports' needs at least one port") }
            let hit = numbers.filter(protectedPorts.contains)
            guard hit.isEmpty else {
                return .notAllowed(
                    reason: "port \(list(hit)) is protected (the agent's own and firewall.protected_ports)"
                )
            }
            return nil
        }
    }

    package func objection(to targets: [ProbeTarget]) -> Refusal? {
        if targets.isEmpty || targets.count > 256 {
            return .invalid(reason: "a probe takes 1 to 256 targets")
        }
        for target in targets where !isPeer(target.address) && target.address != Self.loopback {
            return .notAllowed(reason: "\(target.address) is in none of firewall.peers (\(list(peers)))")
        }
        return nil
    }

    /// The host's own address too: what is published names every host's on every host.
    package func objection(to request: HandMadeRequest) -> Refusal? {
        for address in request.addresses where !isPeer(address) && address != own {
            return .notAllowed(reason: "\(address) is in none of firewall.peers (\(list(peers)))")
        }
        return nil
    }

    package func objection(toFile path: String) -> Refusal? {
        files.contains(path) ? nil : .notAllowed(reason: "'\(path)' is none of files (\(list(files)))")
    }

    package func objection(toService service: String) -> Refusal? {
        services.contains(service)
            ? nil : .notAllowed(reason: "'\(service)' is none of the allowed services (\(list(services)))")
    }

    private func isPeer(_ address: IPAddress) -> Bool { peers.contains { $0.contains(address) } }

    private func list<Item: CustomStringConvertible>(_ items: [Item]) -> String {
        items.isEmpty ? "none are listed" : items.map(\.description).joined(separator: ", ")
    }
}
