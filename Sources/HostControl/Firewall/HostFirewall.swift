package import ControlProtocol
package import Logging
import Logs
import SystemCalls
package import Topology

/// The configured backend, with an eye on the host's other ones: rules of ours may be left there from
/// before the backend was switched, when nothing remembers them.
package struct HostFirewall: Firewall {
    private let backend: FirewallBackend
    let check: WallCheck
    let reader: RuleReader
    private let turns = FIFOLock<Void>()
    private let ending: @Sendable (CutConnections) -> Int?
    let log: Logger
    let guarded = GuardedRules()

    /// - Parameters:
    ///   - launcher: prefixed to every command; tests enter a network namespace with it.
    ///   - seconds: how long one command may take.
    ///   - generation: the generation of the rules that `launcher` leads to; without it, it is asked for here
    ///     when there is no launcher, and otherwise counts as not known.
    ///   - names: of what nf_tables holds where `launcher` leads to, as for `generation`.
    ///   - legacy: of iptables-legacy's tables where `launcher` leads to, as for `generation`.
    ///   - ending: ends connections where `launcher` leads to, and tells how many are left; nil when that is not known, as
    ///     without it when there is a launcher.
    package init(
        backend: FirewallBackend,
        protectedPorts: [Port],
        launcher: [String] = [],
        seconds: Int = 10,
        generation: (@Sendable () -> UInt32?)? = nil,
        names: (@Sendable () -> RulesetNames?)? = nil,
        legacy: (@Sendable () -> LegacyFigures?)? = nil,
        ending: (@Sendable (CutConnections) -> Int?)? = nil,
        log: Logger = .silent
    ) {
        let check = WallCheck(protectedPorts: protectedPorts)
        let tools = PacketTools(launcher: launcher, seconds: seconds)
        self.backend = backend
        let here: @Sendable () -> UInt32? = { launcher.isEmpty ? RulesetGeneration.read() : nil }
        self.check = check
        self.log = log
        self.ending = ending ?? { launcher.isEmpty ? SocketDiagnosis.end($0) : nil }
        reader = RuleReader(
            own: Self.store(backend, check.protectedPorts, tools),
            others: FirewallBackend.allCases.filter { $0 != backend }
                .map { Self.store($0, check.protectedPorts, tools) }
                .filter { $0.missingProgram == nil },
            generation: generation ?? here,
            names: names ?? { launcher.isEmpty ? RulesetNames.read() : nil },
            legacy: legacy ?? { launcher.isEmpty ? LegacyFigures.read() : nil }
        )
    }

    static func store(
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
            return described(try await reader.read())
        }
    }

    package func install(_ wall: Wall) async throws(FirewallError) -> InstalledRules {
        try await install(RuleSet(wall: check.accepted(wall)))
    }

    package func close(
        _ ports: ClosedPorts,
        behind wall: Wall?
    ) async throws(FirewallError) -> InstalledRules {
        let accepted = try check.accepted(ports)
        var walled: Wall?
        if let wall { walled = try check.accepted(wall) }
        let rules = try await install(RuleSet(wall: walled, closed: accepted))
        if await haveEnded(accepted) { return rules }
        // Now whatever is still sent ends its connection, on this host alone.
        return try await install(RuleSet(wall: walled, closed: accepted, outbound: .reset))
    }

    package func stillCloses(_ rules: InstalledRules) async throws(FirewallError) -> Bool {
        if let state = guarded.state, state.rules.closed == rules.closed, state.restored == rules.restored,
            let generation = state.generation, generation == reader.generation()
        {
            return true
        }
        let found = try await installed()
        return found.closed != nil && found.closed == rules.closed && found.restored == rules.restored
    }

    /// Whether the kernel's table shows no connection of the ports any more, but the one that is spared.
    ///
    /// A server that still runs cannot get new ones.
    private func haveEnded(_ closed: ClosedPorts) async -> Bool {
        for _ in 0..<Self.attempts {
            switch await BlockingThread.run({ ending(.closed(closed)) }) {
            case 0: return true
            case nil: return false
            default: do { try await Task.sleep(for: .milliseconds(5)) } catch { return false }
            }
        }
        return false
    }

    /// How often connections are ended that are still there.
    private static let attempts = 5

    package func openPorts() async throws(FirewallError) -> InstalledRules? {
        try await inTurn { () async throws(FirewallError) in
            try requireBackend()
            let before = try await reader.read()
            if let wall = before.own.rules?.wall, wall.isPilot { return try await removePilot() }
            let closing =
                (before.own.closesPorts ? [reader.own] : [])
                + before.others.filter(\.rules.closesPorts).map(\.store)
            guard !closing.isEmpty else { return nil }
            guarded.open()
            reader.forget()
            for store in closing { try await store.open() }
            let after = try await reader.read()
            let found = described(after)
            let wall = before.own.rules?.wall
            guard !after.own.closesPorts, !after.others.contains(where: \.rules.closesPorts),
                before.own.rules == nil || after.own.rules == wall.map({ RuleSet(wall: $0) })
            else { throw .readbackDiffers(desired: wall, found: found) }
            if let rules = after.own.rules { guarded.begin(rules, at: reader.ownGeneration) }
            tell("ports opened", found)
            return found
        }
    }

    package func sever(_ wall: Wall) async throws(FirewallError) -> InstalledRules {
        let accepted = try check.accepted(wall)
        return try await inTurn { () async throws(FirewallError) in
            await end(.severed(accepted, protectedPorts: check.protectedPorts))
            try requireBackend()
            return described(try await reader.read())
        }
    }

    package func forget() async {
        // Behind whatever is being put back at this moment.
        await turns.acquire()
        guarded.end()
        reader.forget()
        turns.release()
    }

    package func remove() async throws(FirewallError) -> InstalledRules {
        try await inTurn { () async throws(FirewallError) in
            guarded.end()
            reader.forget()
            // One backend in trouble, or gone, is no reason to leave rules in another.
            var firstError: FirewallError?
            do throws(FirewallError) {
                try requireBackend()
                try await reader.remove(from: reader.own)
            } catch {
                firstError = error
            }
            for store in reader.others {
                do throws(FirewallError) {
                    try await reader.remove(from: store)
                } catch {
                    firstError = firstError ?? error
                }
            }
            if let firstError { throw firstError }
            let found = described(try await reader.read())
            guard found.count == 0 else { throw .readbackDiffers(desired: nil, found: found) }
            tell("rules removed", found)
            return found
        }
    }

    package func preview(_ wall: Wall) throws(FirewallError) -> String {
        try reader.own.preview(check.accepted(wall))
    }

    package func watch(
        unless isGivenUp: @escaping @Sendable () -> Bool,
        _ report: @escaping @Sendable (RuleRestoration) -> Void
    ) async {
        await WallGuard(firewall: self, pace: GuardPace(), isGivenUp: isGivenUp).run(report)
    }

    func requireBackend() throws(FirewallError) {
        if let program = reader.own.missingProgram {
            throw .backendMissing(backend: backend, program: program)
        }
    }

    private func install(_ desired: RuleSet) async throws(FirewallError) -> InstalledRules {
        try await inTurn { () async throws(FirewallError) in
            try requireBackend()
            let found = try await change(to: desired)
            guarded.begin(desired, at: reader.ownGeneration)
            let rules = described(found)
            tell("rules installed", rules)
            return rules
        }
    }

    /// For the holder of the turn.
    private func change(to desired: RuleSet) async throws(FirewallError) -> RuleReader.Reading {
        let known = reader.known(at: reader.generation())
        do throws(FirewallError) {
            return try await change(to: desired, over: known)
        } catch {
            // What was known may have been changed by somebody else in this moment.
            guard known != nil else { throw error }
            return try await change(to: desired, over: nil)
        }
    }

    private func change(
        to desired: RuleSet,
        over known: StoredRules?
    ) async throws(FirewallError) -> RuleReader.Reading {
        let before = reader.generation()
        // Every program executed here lengthens the time between the first host's wall and the last one's.
        let clear = reader.knownClear(at: before)
        reader.forget()
        let transactions = try await reader.own.install(desired, over: known)
        // Only now, so that there is no moment without rules when the backend was switched.
        for store in reader.others where !clear.contains(store.backend) { try await store.remove() }
        let after = reader.generation()
        if let before, let after, after == RulesetGeneration.after(before, transactions: transactions) {
            // Our own transactions, and nobody else's: what was clear still is.
            reader.remember(clear: clear, at: after)
        }
        // Opening ports behind a wall lets nothing through that wall that there was not.
        let stands = known?.rules?.closed != nil && known?.rules?.wall == desired.wall
        if let closed = desired.closed { await end(.closed(closed)) }
        if let wall = desired.wall, !stands {
            await end(.walled(wall, protectedPorts: check.protectedPorts))
        }
        let found = try await reader.read(isExpected: true)
        guard found.own.rules == desired, found.residue == 0 else {
            throw .readbackDiffers(desired: desired.wall, closed: desired.closed, found: described(found))
        }
        return found
    }

    /// Best effort, no word about success.
    ///
    /// A kernel that cannot do it leaves a silent connection to die with its first packet. Gates look at the kernel's
    /// socket table, not at this.
    private func end(_ connections: CutConnections) async {
        let left = await BlockingThread.run { ending(connections) }
        log.debug("connections ended", fields: ["left": left.map(String.init) ?? "?"])
    }

    private func tell(_ message: String, _ rules: InstalledRules) {
        log.info(
            message,
            fields: [
                "backend": rules.backend.rawValue, "rules": String(rules.count),
                "walled": rules.wall?.peers.map(\.description).joined(separator: ",") ?? "-",
                "closed": rules.closed?.ports.map(\.description).joined(separator: ",") ?? "-",
            ]
        )
    }

    func described(_ reading: RuleReader.Reading) -> InstalledRules {
        InstalledRules(
            backend: backend,
            wall: reading.own.rules?.wall,
            closed: reading.own.rules?.closed,
            count: reading.own.count + reading.residue,
            counters: reading.own.counters,
            listing: reading.listing,
            restored: guarded.state?.restored ?? 0,
            isWatched: guarded.state != nil
        )
    }

    func inTurn<Value: Sendable>(
        _ body: () async throws(FirewallError) -> Value
    ) async throws(FirewallError) -> Value {
        await turns.acquire()
        do throws(FirewallError) {
            let value = try await body()
            turns.release()
            return value
        } catch {
            turns.release()
            throw error
        }
    }
}

extension HostFirewall {
    /// Asked of the kernel now; nil when it is not known.
    func generation() -> UInt32? { reader.generation() }

    /// Puts back the guarded rules when they are not there as they were; nil when they are, or nothing is guarded.
    func restore(_ pace: GuardPace) async -> RuleRestoration? {
        await turns.acquire()
        let restoration = await restoreInTurn(pace)
        turns.release()
        return restoration
    }

    private func restoreInTurn(_ pace: GuardPace) async -> RuleRestoration? {
        // A command that had the turn may have changed or removed them.
        guard guarded.isInDoubt(pace, at: generation), let wanted = guarded.state?.rules else { return nil }
        let begin = ContinuousClock.now
        var found: InstalledRules?
        let result: Result<InstalledRules, FirewallError>
        do throws(FirewallError) {
            let own = try await reader.readOwn(isExpected: true)
            guard own.rules != wanted else {
                guarded.sawIntact(at: reader.ownGeneration)
                return nil
            }
            found = described(RuleReader.Reading(own: own, others: []))
            let restored = try await change(to: wanted)
            // In this order: whoever sees the new generation sees that they were put back.
            guarded.countRestoration()
            guarded.sawIntact(at: reader.ownGeneration)
            result = .success(described(restored))
        } catch {
            result = .failure(error)
        }
        return RuleRestoration(
            wall: wanted.wall,
            closed: wanted.closed,
            found: found,
            result: result,
            milliseconds: Int((ContinuousClock.now - begin) / .milliseconds(1))
        )
    }
}
