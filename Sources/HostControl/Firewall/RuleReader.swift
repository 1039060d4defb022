import ControlProtocol

/// Looks into the host's backends, or remembers what it saw there where the kernel says that nothing has changed.
struct RuleReader: Sendable {
    struct Reading: Sendable {
        let own: StoredRules
        /// What other backends than the configured one hold.
        let others: [(store: any RuleStore, rules: StoredRules)]

        var residue: Int { others.reduce(0) { $0 + $1.rules.count } }

        /// The kernel's own listings of all of it.
        var listing: String {
            let left = others.filter { $0.rules.count > 0 }
                .map { "# left in \($0.store.backend.rawValue):\n\($0.rules.listing)" }
            return ([own.listing] + left).filter { !$0.isEmpty }.joined(separator: "\n")
        }
    }

    let own: any RuleStore
    /// Backends of this host other than the configured one.
    let others: [any RuleStore]
    /// The kernel's number for its rule set at this moment; nil when it is not known.
    let generation: @Sendable () -> UInt32?
    /// What nf_tables holds at this moment; nil when it is not known.
    let names: @Sendable () -> RulesetNames?
    /// What iptables-legacy's tables look like at this moment; nil when it is not known.
    let legacy: @Sendable () -> LegacyFigures?
    private let memory = RuleMemory()
    /// How old the word on another backend's residue may get where the kernel does not number its changes, and tells the same
    /// figures as then.
    private static let patience = Duration.seconds(5)

    init(
        own: any RuleStore,
        others: [any RuleStore],
        generation: @escaping @Sendable () -> UInt32?,
        names: @escaping @Sendable () -> RulesetNames?,
        legacy: @escaping @Sendable () -> LegacyFigures?
    ) {
        self.own = own
        self.others = others
        self.generation = generation
        self.names = names
        self.legacy = legacy
    }

    /// - Parameter isExpected: whether the configured backend should hold rules of ours, as after a change.
    func read(isExpected: Bool = false) async throws(FirewallError) -> Reading {
        let now = generation()
        let ownRules = try await rules(at: now, isExpected: isExpected)
        var left: [(store: any RuleStore, rules: StoredRules)] = []
        for store in others { left.append((store, try await leftover(in: store, at: now))) }
        return Reading(own: ownRules, others: left)
    }

    /// What the configured backend holds, always from the kernel.
    func readOwn(isExpected: Bool) async throws(FirewallError) -> StoredRules {
        try await rules(at: generation(), isExpected: isExpected)
    }

    /// What the configured backend is known to hold at this generation; nil when that must be read.
    func known(at now: UInt32?) -> StoredRules? {
        guard own.hasGeneration, let now, let known = memory[own.backend], known.generation == now
        else { return nil }
        return known.rules
    }

    /// The generation at which the configured backend was read last; nil when it is not known.
    var ownGeneration: UInt32? { own.hasGeneration ? memory[own.backend]?.generation : nil }

    /// Other backends that are known to hold nothing at this generation.
    func knownClear(at now: UInt32?) -> [FirewallBackend] {
        others.filter { store in
            guard store.hasGeneration, let now, let known = memory[store.backend] else { return false }
            return known.generation == now && known.rules.count == 0
        }
        .map(\.backend)
    }

    func remember(clear backends: [FirewallBackend], at generation: UInt32) {
        for backend in backends {
            memory[backend] = RuleMemory.Entry(
                rules: .none,
                generation: generation,
                figures: nil,
                readAt: .now
            )
        }
    }

    func forget() { memory.forget() }

    /// Either the kernel's word that nothing has changed since the last reading, then only the counters are read,
    /// or everything anew.
    private func rules(at now: UInt32?, isExpected: Bool) async throws(FirewallError) -> StoredRules {
        guard let known = known(at: now) else {
            return try await readAnew(own, at: now, isExpected: isExpected)
        }
        guard known.count > 0 else { return .none }
        let counted = try await own.recount(known)
        return generation() == now ? counted : try await readAnew(own, at: generation())
    }

    /// As of now, whatever was seen before: what is remembered counts only where the kernel says that nothing has changed.
    ///
    /// Of iptables-legacy it says how many entries there are: rules of ours that took the place of as many others of the same
    /// length show within `patience`. Always anew after a change of ours and at the start. Packet counts in its listing may be older.
    private func leftover(in store: any RuleStore, at now: UInt32?) async throws(FirewallError) -> StoredRules
    {
        guard store.hasGeneration else { return try await unnumbered(store, at: now) }
        guard let known = memory[store.backend], now != nil, known.generation == now else {
            return try await readAnew(store, at: now)
        }
        return known.rules
    }

    private func unnumbered(
        _ store: any RuleStore,
        at now: UInt32?
    ) async throws(FirewallError) -> StoredRules {
        let figures = legacy()
        if let figures, figures.areEmpty { return .none }
        if let figures, let known = memory[store.backend], known.figures == figures,
            ContinuousClock.now - known.readAt < Self.patience
        {
            return known.rules
        }
        return try await readAnew(store, at: now, figures: figures)
    }

    private func readAnew(
        _ store: any RuleStore,
        at now: UInt32?,
        figures: LegacyFigures? = nil,
        isExpected: Bool = false
    ) async throws(FirewallError) -> StoredRules {
        let begin = ContinuousClock.now
        memory[store.backend] = nil
        let rules = try await read(store, isExpected: isExpected)
        memory[store.backend] = RuleMemory.Entry(
            rules: rules,
            generation: now,
            figures: figures,
            readAt: begin
        )
        return rules
    }

    /// By the kernel's own word that there is nothing, else by the backend's program.
    ///
    /// The configured backend's program is executed nevertheless when it is iptables': what it reads of foreign rules makes
    /// the next wall's installation shorter.
    private func read(_ store: any RuleStore, isExpected: Bool) async throws(FirewallError) -> StoredRules {
        switch (store.backend, isOwn: store.backend == own.backend) {
        case (.iptablesNft, isOwn: true), (.iptablesLegacy, isOwn: _): break
        case (.nftables, isOwn: _), (.iptablesNft, isOwn: false):
            guard !isExpected, let names = names() else { break }
            return store.isAbsent(from: names) ? .none : try await store.readBack()
        }
        return isExpected ? try await store.readBack() : try await store.read()
    }

    /// Removes what is ours from a backend, without executing a program where the kernel says that there is nothing.
    func remove(from store: any RuleStore) async throws(FirewallError) {
        guard let names = names() else { return try await store.remove() }
        if !store.isAbsent(from: names) { try await store.removeFound() }
    }
}
