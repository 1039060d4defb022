package import ControlProtocol
import FoundationEssentials

/// Puts together what the agent sees, for `/v1/status` and `/metrics`, a few readers at a time.
///
/// All of it is read now, with the two exceptions that `Firewall.installed` and `ZooKeeperInspector.status` name:
/// gates look often, and on a host where a server is just starting every program executed for a look delays it.
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
    private let actions: any HostActions
    private let clock: HostClock
    private let readers = ConcurrencyLimit(4)

    package init(facts: Facts, actions: any HostActions, clock: HostClock) {
        self.facts = facts
        self.actions = actions
        self.clock = clock
    }

    /// Rules that cannot be read are told as such: everything else is worth to be known all the same.
    package func status(lease: LeaseState) async -> HostStatus {
        await readers.enter()
        async let services = actions.otherServices()
        async let files = actions.allowedFiles()
        async let managers = actions.ruleManagers()
        let (rules, zookeeper) = await observed()
        let (named, states, others) = (await services, await files, await managers)
        let reach = await actions.reach(of: zookeeper)
        await readers.leave()
        return HostStatus(
            host: facts.host,
            agentVersion: ProgramVersion.current,
            protocolVersion: ControlProtocolVersion.current,
            clock: clock.now().unixMilliseconds,
            agentStartedAt: facts.startedAt,
            lease: lease,
            rules: known(rules),
            zookeeper: zookeeper,
            services: named,
            files: states,
            credentials: facts.credentials(),
            ruleManagers: others,
            reach: reach
        )
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

    package func metrics(lease: LeaseState, counters: AgentCounters.Values) async -> String {
        await readers.enter()
        let (rules, zookeeper) = await observed()
        await readers.leave()
        return AgentMetrics(
            facts: facts,
            now: clock.now().unixMilliseconds,
            lease: lease,
            rules: rules,
            zookeeper: zookeeper,
            counters: counters
        )
        .text
    }

    private func observed() async -> (Result<InstalledRules, HostActionError>, ZooKeeperStatus?) {
        async let rules = installedRules()
        async let zookeeper = actions.zookeeper()
        return (await rules, await zookeeper)
    }

    private func installedRules() async -> Result<InstalledRules, HostActionError> {
        do throws(HostActionError) {
            return .success(try await actions.installedRules())
        } catch {
            return .failure(error)
        }
    }
}
