package import ControlProtocol
import FoundationEssentials

/// Puts together what the agent sees, for `/v1/status` and `/metrics`.
///
/// However many ask, few looks are taken (`CommonLook`). What a coordinator is told is read after it asked, with the two exceptions
/// that `Firewall.installed` and `ZooKeeperInspector.status` name: gates look often, and on a host where a server is just starting
/// every program executed for a look delays it.
package struct HostObserver: Sendable {
    package struct Facts: Sendable {
        package let host: HostName
        package let startedAt: Int64
        package let backend: FirewallBackend
        /// When the certificates in use end.
        package let credentials: @Sendable () -> CredentialExpiry

        package init(
            host: HostName,
            startedAt: Int64,
            backend: FirewallBackend,
            credentials: @escaping @Sendable () -> CredentialExpiry
        ) {
            self.host = host
            self.startedAt = startedAt
            self.backend = backend
            self.credentials = credentials
        }
    }

    private let facts: Facts
    private let clock: HostClock
    private let look: CommonLook<ObservedHost>

    package init(facts: Facts, actions: any HostActions, clock: HostClock) {
        self.facts = facts
        self.clock = clock
        look = CommonLook { await ObservedHost(actions) }
    }

    /// Rules that cannot be read are told as such: everything else is worth to be known all the same.
    func status(lease: LeaseState, freshness: Freshness) async -> HostStatus {
        let seen = await look.value(freshness)
        var status = HostStatus(
            host: facts.host,
            agentVersion: ProgramVersion.current,
            protocolVersion: ControlProtocolVersion.current,
            clock: clock.now().unixMilliseconds,
            agentStartedAt: facts.startedAt,
            lease: lease,
            rules: known(seen.rules),
            zookeeper: seen.zookeeper,
            services: seen.services,
            files: seen.files,
            credentials: facts.credentials(),
            ruleManagers: seen.managers,
            reach: seen.reach,
            order: seen.order
        )
        status.configurationManagers = seen.configurationManagers
        return status
    }

    private func known(_ rules: Result<InstalledRules, HostActionError>) -> InstalledRules {
        switch rules {
        case .success(let rules): rules
        case .failure(let error):
            InstalledRules(
                backend: facts.backend,
                wall: nil,
                count: 1,
                counters: [],
                listing: "",
                unreadable: error.description
            )
        }
    }

    func metrics(lease: LeaseState, counters: AgentCounters.Values, freshness: Freshness) async -> String {
        let seen = await look.value(freshness)
        return AgentMetrics(
            facts: facts,
            now: clock.now().unixMilliseconds,
            lease: lease,
            rules: seen.rules,
            zookeeper: seen.zookeeper,
            order: seen.order,
            counters: counters
        )
        .text
    }
}
