package import ControlProtocol
package import Topology

/// The configured backend, with an eye on the host's other ones: rules of ours may be left there from
/// before the backend was switched, when nothing remembers them.
package struct HostFirewall: Firewall {
    private let backend: FirewallBackend
    private let check: WallCheck
    private let own: any RuleStore
    /// Backends of this host other than the configured one.
    private let others: [any RuleStore]
    private let severing: SocketSevering
    private let turn = Turn()

    /// - Parameters:
    ///   - launcher: prefixed to every command; tests enter a network namespace with it.
    ///   - seconds: how long one command may take.
    package init(
        backend: FirewallBackend,
        protectedPorts: [Port],
        launcher: [String] = [],
        seconds: Int = 10
    ) {
        let check = WallCheck(protectedPorts: protectedPorts)
        let tools = PacketTools(launcher: launcher, seconds: seconds)
        self.backend = backend
        self.check = check
        severing = SocketSevering(protectedPorts: check.protectedPorts, tools: tools)
        own = Self.store(backend, check.protectedPorts, tools)
        others = FirewallBackend.allCases.filter { $0 != backend }
            .map { Self.store($0, check.protectedPorts, tools) }
            .filter { $0.missingProgram == nil }
    }

    private static func store(
        _ backend: FirewallBackend,
        _ protectedPorts: [Port],
        _ tools: PacketTools
    ) -> any RuleStore {
        switch backend {
        case .nftables: NftablesRules(protectedPorts: protectedPorts, tools: tools)
        case .iptablesNft: IptablesRules(.nft, protectedPorts: protectedPorts, tools: tools)
        case .iptablesLegacy: IptablesRules(.legacy, protectedPorts: protectedPorts, tools: tools)
        }
    }

    package func installed() async throws(FirewallError) -> InstalledRules {
        try await inTurn { () async throws(FirewallError) in
            try requireBackend()
            return try await read().rules
        }
    }

    package func install(_ wall: Wall) async throws(FirewallError) -> InstalledRules {
        let desired = try check.accepted(wall)
        return try await inTurn { () async throws(FirewallError) in
            try requireBackend()
            try await own.install(desired)
            // Only now, so that there is no moment without rules when the backend was switched.
            for store in others { try await store.remove() }
            await severing.sever(desired)
            let (found, residue) = try await read()
            guard found.wall == desired, residue == 0 else {
                throw .readbackDiffers(desired: desired, found: found)
            }
            return found
        }
    }

    package func remove() async throws(FirewallError) -> InstalledRules {
        try await inTurn { () async throws(FirewallError) in
            // One backend in trouble, or gone, is no reason to leave rules in another.
            var firstError: FirewallError?
            do throws(FirewallError) {
                try requireBackend()
                try await own.remove()
            } catch {
                firstError = error
            }
            for store in others {
                do throws(FirewallError) {
                    try await store.remove()
                } catch {
                    firstError = firstError ?? error
                }
            }
            if let firstError { throw firstError }
            let found = try await read().rules
            guard found.count == 0 else { throw .readbackDiffers(desired: nil, found: found) }
            return found
        }
    }

    package func preview(_ wall: Wall) throws(FirewallError) -> String {
        try own.preview(check.accepted(wall))
    }

    private func requireBackend() throws(FirewallError) {
        if let program = own.missingProgram { throw .backendMissing(backend: backend, program: program) }
    }

    /// Also how many of the rules are in other backends than the configured one.
    private func read() async throws(FirewallError) -> (rules: InstalledRules, residue: Int) {
        let ownRules = try await own.read()
        var residue = 0
        var listings = [ownRules.listing]
        for store in others {
            let left = try await store.read()
            residue += left.count
            if left.count > 0 { listings.append("# left in \(store.backend.rawValue):\n\(left.listing)") }
        }
        let rules = InstalledRules(
            backend: backend,
            wall: ownRules.wall,
            count: ownRules.count + residue,
            counters: ownRules.counters,
            listing: listings.filter { !$0.isEmpty }.joined(separator: "\n")
        )
        return (rules, residue)
    }

    private func inTurn(
        _ body: () async throws(FirewallError) -> InstalledRules
    ) async throws(FirewallError) -> InstalledRules {
        await turn.take()
        do throws(FirewallError) {
            let rules = try await body()
            await turn.give()
            return rules
        } catch {
            await turn.give()
            throw error
        }
    }
}
