import ControlProtocol
import Topology

/// What `/metrics` says, from the same observations as `/v1/status`.
struct AgentMetrics {
    let facts: HostObserver.Facts
    let now: Int64
    let lease: LeaseState
    let rules: Result<InstalledRules, HostActionError>
    let zookeeper: ZooKeeperStatus?
    let order: OrderState?
    let counters: AgentCounters.Values

    var text: String {
        var page = PrometheusText()
        agent(&page)
        wall(&page)
        ordered(&page)
        if let zookeeper {
            service(zookeeper, &page)
            serving(zookeeper.serving, &page)
            disk(zookeeper, &page)
        }
        return page.text
    }

    private func agent(_ page: inout PrometheusText) {
        page.add(
            "mitosis_agent_info",
            .gauge,
            "The agent; always 1.",
            [
                .init(
                    "1",
                    [
                        "host": facts.host.description, "version": ProgramVersion.current,
                        "protocol": String(ControlProtocolVersion.current),
                        "firewall": facts.backend.rawValue,
                    ]
                )
            ]
        )
        page.add(
            "mitosis_agent_start_time_seconds",
            .gauge,
            "When the agent started, Unix time.",
            seconds: facts.startedAt
        )
        page.add("mitosis_clock_seconds", .gauge, "The host's clock, Unix time.", seconds: now)
        credentials(facts.credentials(), &page)
        page.add(
            "mitosis_lease_epoch",
            .gauge,
            "Highest fencing epoch ever granted.",
            lease.highestEpoch.value
        )
        page.add(
            "mitosis_lease_held",
            .gauge,
            "1 while a lease is in force.",
            (lease.expiresAt ?? 0) > now ? 1 : 0
        )
        page.add(
            "mitosis_lease_expiry_seconds",
            .gauge,
            "When the lease lapses, Unix time.",
            seconds: lease.expiresAt
        )
        page.add(
            "mitosis_commands_total",
            .counter,
            "Commands since the agent's start.",
            [
                .init("\(counters.done)", ["outcome": "done"]),
                .init("\(counters.refused)", ["outcome": "refused"]),
                .init("\(counters.failed)", ["outcome": "failed"]),
            ]
        )
        page.add(
            "mitosis_service_restarts_total",
            .counter,
            "Restarts that were commanded.",
            counters.restarts
        )
        page.add(
            "mitosis_rules_restored_total",
            .counter,
            "Times that rules were put back because something else had changed or removed them.",
            counters.restoredRules
        )
        page.add("mitosis_tls_refusals_total", .counter, "Connections refused by TLS.", counters.tlsRefusals)
        page.add(
            "mitosis_denied_requests_total",
            .counter,
            "Requests an identity had no right to.",
            counters.deniedRequests
        )
        page.add("mitosis_agent_connections", .gauge, "Connections that are open.", counters.connections)
        page.add(
            "mitosis_dropped_connections_total",
            .counter,
            "Connections that were closed, by cause.",
            drops { !$0.isOfRequest }
        )
        page.add(
            "mitosis_dropped_requests_total",
            .counter,
            "Requests that were not carried out, by cause.",
            drops(\.isOfRequest)
        )
    }

    private func drops(_ isMeant: (DropCause) -> Bool) -> [PrometheusText.Sample] {
        DropCause.allCases.filter(isMeant).map {
            PrometheusText.Sample("\(counters.drops[$0] ?? 0)", ["cause": $0.rawValue])
        }
    }

    private func ordered(_ page: inout PrometheusText) {
        page.add(
            "mitosis_order_unreadable",
            .gauge,
            "1 when what the host must hold to cannot be read: everything is held.",
            order?.unreadable == nil ? 0 : 1
        )
        page.add(
            "mitosis_held_services",
            .gauge,
            "Services that may not start until a coordinator starts them.",
            order?.held.count ?? 0
        )
        page.add(
            "mitosis_order_since_seconds",
            .gauge,
            "Since when the host is walled off, Unix time.",
            seconds: order?.since
        )
        page.add(
            "mitosis_order_phase",
            .gauge,
            "1 for what the host's order is: provisional, kept, lapsing or lapsed.",
            OrderPhase.allCases.map { phase in
                let isThis = order.map { ($0.phase ?? .kept) == phase && $0.unreadable == nil } ?? false
                return .init(isThis ? "1" : "0", ["phase": phase.rawValue])
            }
        )
        page.add(
            "mitosis_order_unattended_seconds",
            .gauge,
            "For how long a host that is walled off has heard no coordinator, once that is too long; alarm on it.",
            order?.unattended ?? 0
        )
    }

    private func wall(_ page: inout PrometheusText) {
        switch rules {
        case .success(let rules):
            page.add("mitosis_rules_unreadable", .gauge, "1 when the kernel's rules cannot be read.", 0)
            page.add("mitosis_rules_installed", .gauge, "Rules of ours in the kernel.", rules.count)
            page.add(
                "mitosis_wall_complete",
                .gauge,
                "1 when a whole wall stands.",
                rules.wall == nil ? 0 : 1
            )
            page.add(
                "mitosis_rule_packets_total",
                .counter,
                "Packets that our rules met.",
                totals(rules, \.packets)
            )
            page.add(
                "mitosis_rule_bytes_total",
                .counter,
                "Bytes that our rules met.",
                totals(rules, \.bytes)
            )
        case .failure:
            page.add("mitosis_rules_unreadable", .gauge, "1 when the kernel's rules cannot be read.", 1)
        }
    }

    /// A series stands once however many rules feed it.
    private func totals(
        _ rules: InstalledRules,
        _ value: KeyPath<InstalledRules.Counter, UInt64>
    ) -> [PrometheusText.Sample] {
        let families: [IPAddress.Family] = [.ipv4, .ipv6]
        return Set(rules.counters.map(\.chain)).sorted().flatMap { chain in
            families.compactMap { family in
                let met = rules.counters.filter { $0.chain == chain && $0.family == family }
                guard !met.isEmpty else { return nil }
                let sum = met.reduce(UInt64(0)) { $0 &+ $1[keyPath: value] }
                return PrometheusText.Sample(String(sum), ["chain": chain, "family": family.rawValue])
            }
        }
    }

    private func service(_ status: ZooKeeperStatus, _ page: inout PrometheusText) {
        let running =
            switch status.state {
            case .running: 1
            case .changing, .stopped, .failed: 0
            }
        page.add(
            "mitosis_service_running",
            .gauge,
            "1 while the service runs.",
            [.init(String(running), ["service": status.service])]
        )
        page.add(
            "mitosis_service_start_time_seconds",
            .gauge,
            "When the running process started, Unix time.",
            seconds: status.processStartedAt
        )
        page.add(
            "mitosis_config_file_info",
            .gauge,
            "The configuration file as it is; always 1.",
            [.init("1", ["path": status.configPath, "sha256": status.file.digest ?? ""])]
        )
        page.add(
            "mitosis_config_file_changed_seconds",
            .gauge,
            "When it changed, Unix time.",
            seconds: status.file.changedAt
        )
        page.add(
            "mitosis_config_file_servers",
            .gauge,
            "Servers that the file names.",
            status.fileView?.count
        )
        page.add(
            "mitosis_running_view_servers",
            .gauge,
            "Servers that the process read.",
            status.runningView?.count
        )
        page.add(
            "mitosis_peer_sockets",
            .gauge,
            "Established quorum and election connections.",
            status.peerSockets?.count
        )
    }

    private func serving(_ serving: Serving, _ page: inout PrometheusText) {
        let stats: ServerStats?
        let role: String
        switch serving {
        case .yes(let found):
            stats = found
            role = found.role.rawValue
        case .looking:
            stats = nil
            role = "looking"
        case .unreachable:
            stats = nil
            role = "unreachable"
        }
        let roles = ["leader", "follower", "observer", "standalone", "looking", "unreachable"]
        page.add(
            "mitosis_zookeeper_role",
            .gauge,
            "1 for the server's role, 0 for the others.",
            roles.map { .init($0 == role ? "1" : "0", ["role": $0]) }
        )
        page.add("mitosis_zookeeper_zxid_epoch", .gauge, "Epoch of the last zxid served.", stats?.zxid.epoch)
        page.add(
            "mitosis_zookeeper_zxid_counter",
            .gauge,
            "Counter of the last zxid served.",
            stats?.zxid.counter
        )
        page.add("mitosis_zookeeper_connections", .gauge, "Client connections.", stats?.connections)
        page.add(
            "mitosis_zookeeper_outstanding_requests",
            .gauge,
            "Requests not answered yet.",
            stats?.outstanding
        )
        page.add("mitosis_zookeeper_nodes", .gauge, "Nodes in the tree.", stats?.nodeCount)
        page.add("mitosis_zookeeper_synced_followers", .gauge, "Followers in sync.", stats?.syncedFollowers)
    }

    private func disk(_ status: ZooKeeperStatus, _ page: inout PrometheusText) {
        let data = status.data
        page.add("mitosis_disk_zxid_epoch", .gauge, "Epoch of the last zxid on disk.", data.lastZxid?.epoch)
        page.add(
            "mitosis_disk_zxid_counter",
            .gauge,
            "Counter of the last zxid on disk.",
            data.lastZxid?.counter
        )
        page.add("mitosis_disk_current_epoch", .gauge, "currentEpoch on disk.", data.currentEpoch)
        page.add("mitosis_disk_accepted_epoch", .gauge, "acceptedEpoch on disk.", data.acceptedEpoch)
        page.add(
            "mitosis_data_problems",
            .gauge,
            "Parts of the data directory that cannot be read.",
            data.problems.count
        )
        page.add("mitosis_disk_free_bytes", .gauge, "Free where the data is.", status.diskFree)
    }
}
