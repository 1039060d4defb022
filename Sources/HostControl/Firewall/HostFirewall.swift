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
    private let memory = RuleMemory()
    private let generation: @Sendable () -> UInt32?
    /// How old the word on another backend's residue may get where the kernel does not tell of changes.
    private static let patience = Duration.seconds(5)

    /// - Parameters:
    ///   - launcher: prefixed to every command; tests enter a network namespace with it.
    ///   - seconds: how long one command may take.
    ///   - generation: the generation of the rules that `launcher` leads to; without it, it is asked for here
    ///     when there is no launcher, and otherwise counts as not known.
    package init(
        backend: FirewallBackend,
        protectedPorts: [Port],
        launcher: [String] = [],
        seconds: Int = 10,
        generation: (@Sendable () -> UInt32?)? = nil
    ) {
        let check = WallCheck(protectedPorts: protectedPorts)
        let tools = PacketTools(launcher: launcher, seconds: seconds)
        self.backend = backend
        let here: @Sendable () -> UInt32? = { launcher.isEmpty ? RulesetGeneration.read() : nil }
        self.generation = generation ?? here
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
            let before = generation()
            // Every program executed here lengthens the time between the first host's wall and the last one's.
            let clear = others.filter { isKnownClear($0, at: before) }.map(\.backend)
            memory.forget()
            try await own.install(desired)
            // Only now, so that there is no moment without rules when the backend was switched.
            for store in others where !clear.contains(store.backend) { try await store.remove() }
            let after = generation()
            if let before, let after, after == RulesetGeneration.next(before) {
                // Our one transaction, and nobody else's: what was clear still is.
                for backend in clear {
                    memory[backend] = RuleMemory.Entry(rules: .none, generation: after, readAt: .now)
                }
            }
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
            memory.forget()
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
        let now = generation()
        let ownRules = try await rules(of: own, at: now)
        var residue = 0
        var listings = [ownRules.listing]
        for store in others {
            let left = try await leftover(in: store, at: now)
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

    /// Always from the kernel: either its word that nothing has changed since the last reading, then only the
    /// counters are read, or everything anew.
    private func rules(
        of store: any RuleStore,
        at now: UInt32?
    ) async throws(FirewallError) -> StoredRules {
        guard store.hasGeneration, let now, let known = memory[store.backend], known.generation == now
        else { return try await readAnew(store, at: now) }
        guard known.rules.count > 0 else { return .none }
        let counted = try await store.recount(known.rules)
        return generation() == now ? counted : try await readAnew(store, at: generation())
    }

    /// As of now where the kernel tells of changes, else as of at most `patience` ago.
    ///
    /// Always anew after a change of ours and at the start. Packet counts in its listing may be older.
    private func leftover(in store: any RuleStore, at now: UInt32?) async throws(FirewallError) -> StoredRules
    {
        guard let known = memory[store.backend] else { return try await readAnew(store, at: now) }
        let isCurrent =
            store.hasGeneration && now != nil
            ? known.generation == now : ContinuousClock.now - known.readAt < Self.patience
        return isCurrent ? known.rules : try await readAnew(store, at: now)
    }

    private func isKnownClear(_ store: any RuleStore, at now: UInt32?) -> Bool {
        guard store.hasGeneration, let now, let known = memory[store.backend] else { return false }
        return known.generation == now && known.rules.count == 0
    }

    private func readAnew(_ store: any RuleStore, at now: UInt32?) async throws(FirewallError) -> StoredRules
    {
        let begin = ContinuousClock.now
        memory[store.backend] = nil
        let rules = try await store.read()
        memory[store.backend] = RuleMemory.Entry(rules: rules, generation: now, readAt: begin)
        return rules
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
