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
        /// When the certificate in use ends, Unix milliseconds; nil when it cannot be told.
        package let certificateExpiry: @Sendable () -> Int64?

        package init(
            host: HostName,
            startedAt: Int64,
            backend: FirewallBackend,
            certificateExpiry: @escaping @Sendable () -> Int64?
        ) {
            self.host = host
            self.startedAt = startedAt
            self.backend = backend
            self.certificateExpiry = certificateExpiry
        }
    }

    private let facts: Facts
    private let actions: any HostActions
    private let clock: HostClock
    private let turnstile = Turnstile(width: 4)

    package init(facts: Facts, actions: any HostActions, clock: HostClock) {
        self.facts = facts
        self.actions = actions
        self.clock = clock
    }

    package func status(lease: LeaseState) async throws(HostActionError) -> HostStatus {
        await turnstile.enter()
        async let services = actions.otherServices()
        async let files = actions.allowedFiles()
        let (rules, zookeeper) = await observed()
        let (named, states) = (await services, await files)
        await turnstile.leave()
        return HostStatus(
            host: facts.host,
            agentVersion: AgentVersion.current,
            protocolVersion: ControlProtocolVersion.current,
            clock: clock.now().unixMilliseconds,
            agentStartedAt: facts.startedAt,
            lease: lease,
            rules: try rules.get(),
            zookeeper: zookeeper,
            services: named,
            files: states
        )
    }

    package func metrics(lease: LeaseState, counters: AgentCounters.Values) async -> String {
        await turnstile.enter()
        let (rules, zookeeper) = await observed()
        await turnstile.leave()
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

/// Lets `width` callers in at a time, in the order of their arrival.
private actor Turnstile {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(width: Int) { free = width }

    func enter() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        guard !waiting.isEmpty else {
            free += 1
            return
        }
        waiting.removeFirst().resume()
    }
}
