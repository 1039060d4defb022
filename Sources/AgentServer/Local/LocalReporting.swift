import ControlProtocol
import FoundationEssentials
import HostControl
import Logs

/// What a coordinator must know before it has this host's rules removed over ssh; looked at here and now, without the agent.
struct LocalReporting {
    let configuration: AgentConfiguration

    /// Throws where the lease cannot be known: then nobody may conclude anything.
    func report(isAgentRunning: Bool) async throws(AgentServerError) -> LocalRulesReport {
        let now = HostClock.system.now()
        let lease = LeaseKeeper(record: try LeaseStore(directory: configuration.state).read(), now: now).state
        let found = await LocalRules().look()
        let unread = LocalRulesText.unread(found, configuration.backend)
        return LocalRulesReport(
            rules: Self.rules(found, unread, configuration.backend, isWatched: isAgentRunning),
            lease: lease,
            clock: now.unixMilliseconds,
            zookeeper: await LocalHost(configuration: configuration, log: .silent).zookeeper(),
            order: OrderStore(stateDirectory: configuration.state).state
        )
    }

    /// One set out of all backends': whose wall it is the listing tells.
    static func rules(
        _ found: [LocalRules.Backend],
        _ unread: [String],
        _ backend: FirewallBackend,
        isWatched: Bool
    ) -> InstalledRules {
        var count = 0
        var listings: [String] = []
        for part in found {
            guard case .rules(let rules, let listing) = part.finding, rules > 0 else { continue }
            count += rules
            listings.append(listing)
        }
        return InstalledRules(
            backend: backend,
            wall: nil,
            count: unread.isEmpty ? count : max(1, count),
            counters: [],
            listing: listings.joined(separator: "\n"),
            unreadable: unread.isEmpty ? nil : unread.joined(separator: "; "),
            isWatched: isWatched
        )
    }

    /// As one line.
    static func line(_ report: LocalRulesReport) throws(AgentServerError) -> String {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: WireText.printable(try encoder.encode(report)), as: UTF8.self)
        } catch {
            throw .storage(path: "standard output", operation: "encode for", reason: "\(error)")
        }
    }
}
