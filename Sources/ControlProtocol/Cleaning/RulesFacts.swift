package import Topology

/// What of a host's status speaks for or against removing its rules; small, for a thousand of them are kept.
package struct RulesFacts: Hashable, Sendable {
    /// The host's ZooKeeper: which ensemble it runs, and would run after a restart.
    package struct Server: Hashable, Sendable {
        package let state: ServiceState
        package let configPath: String
        /// Whether the configuration file is there.
        package let hasFile: Bool
        package let fileView: [Member]?
        package let runningView: [Member]?

        package init(_ zookeeper: ZooKeeperStatus) {
            state = zookeeper.state
            configPath = zookeeper.configPath
            hasFile = zookeeper.file.digest != nil || zookeeper.fileView != nil
            fileView = zookeeper.fileView
            runningView = zookeeper.runningView
        }
    }

    /// Of ours, in every backend that the agent has read.
    package let count: Int
    /// Whether the agent would put rules back that somebody else removes; nil when it does not say.
    package let isWatched: Bool?
    /// Why the rules could not be read.
    package let unreadable: String?
    /// Whom the rules cut off: the wall's peers, or every address in rules that are no intact wall.
    package let walled: Set<IPAddress>
    /// Whether other rules than ours are meant, of which a status says nothing.
    private let meansOthers: Bool
    package let lease: LeaseState
    /// The host's, Unix milliseconds.
    package let clock: Int64
    /// Nil on a host whose agent knows of no ZooKeeper.
    package let server: Server?
    /// What would bring rules back at the next start of the host or its agent.
    package let order: OrderState?

    /// - Parameter others: whom other rules than ours cut off.
    package init(_ status: HostStatus, walling others: Set<IPAddress> = []) {
        self.init(
            rules: status.rules,
            lease: status.lease,
            clock: status.clock,
            zookeeper: status.zookeeper,
            order: status.order,
            walling: others
        )
    }

    package init(
        rules: InstalledRules,
        lease: LeaseState,
        clock: Int64,
        zookeeper: ZooKeeperStatus?,
        order: OrderState? = nil,
        walling others: Set<IPAddress> = []
    ) {
        self.order = order
        meansOthers = !others.isEmpty
        count = rules.count
        isWatched = rules.isWatched
        unreadable = rules.unreadable
        walled = Set(rules.wall?.peers ?? []).union(Self.addresses(in: rules.listing)).union(others)
        self.lease = lease
        self.clock = clock
        server = zookeeper.map { Server($0) }
    }

    /// Whether nothing that is meant is there, and nothing will come back by itself.
    package var isClear: Bool {
        !meansOthers && count == 0 && unreadable == nil && isWatched == false && order == nil
    }

    /// In the words of nft, iptables or their JSON: whatever stands between other characters.
    private static func addresses(in listing: String) -> Set<IPAddress> {
        let words = listing.split { !($0.isHexDigit || $0 == "." || $0 == ":") }
        return Set(words.filter { $0.contains(".") || $0.contains(":") }.compactMap { IPAddress(String($0)) })
    }
}

extension RulesFacts {
    /// Why the lease speaks against it: a run is at work here, or has never given back what it took; nil when none.
    ///
    /// - Parameter judgingLapsed: whether a lease that lapsed without being given back counts, as where no journal tells more.
    package func leaseObjection(judgingLapsed: Bool) -> String? {
        guard let current = lease.current else { return nil }
        let holder = lease.holder ?? "an unnamed coordinator"
        let since = lease.since.map { " since \(UnixTime.text($0))" } ?? ""
        if lease.expiresAt.map({ $0 > clock }) ?? true {
            return current.runID.isCleaning
                ? "\(current.runID) of \(holder) is at work here\(since); let it end, then repeat"
                : "run \(current.runID) of \(holder) holds this host's lease\(since) and may need the wall; let it end, or stop "
                    + "it, then repeat"
        }
        guard judgingLapsed, !current.runID.isCleaning else { return nil }
        let end = lease.expiresAt.map { " (it lapsed at \(UnixTime.text($0)))" } ?? ""
        return
            "run \(current.runID) of \(holder) has never given its lease back\(end): it is unfinished. Go on with it by "
            + "`mitosis run PLAN`, or clean with its plan: `mitosis rules clean PLAN`"
    }

    /// Why the host's own server speaks against it: its file or what it runs names somebody of `others`, or cannot be read.
    ///
    /// - Parameter resolve: an address or name of a configuration file to addresses; nil when that is not known.
    package func viewObjection(
        naming others: Set<IPAddress>,
        resolve: (String) -> Set<IPAddress>?
    ) -> String? {
        guard let server, !others.isEmpty else { return nil }
        if server.hasFile {
            guard let view = server.fileView else {
                return
                    "\(server.configPath) cannot be read, so that it is not known which ensemble its ZooKeeper would join"
            }
            if let found = Self.objection(view, others, resolve) { return "\(server.configPath) \(found)" }
        }
        switch server.state {
        case .stopped: return nil
        case .running, .changing, .failed:
            guard let view = server.runningView else {
                return
                    "which ensemble its running ZooKeeper has read is not known (restarted with its file as it is, it is)"
            }
            return Self.objection(view, others, resolve).map { "its running ZooKeeper \($0)" }
        }
    }

    private static func objection(
        _ view: [Member],
        _ others: Set<IPAddress>,
        _ resolve: (String) -> Set<IPAddress>?
    ) -> String? {
        for member in view {
            guard let addresses = resolve(member.address) else {
                return
                    "names server.\(member.id) at '\(member.address)', of which it is not known on which side of the wall it is; "
                    + "add that host to the inventory, with this name as its address"
            }
            guard addresses.isDisjoint(with: others) else {
                return "names server.\(member.id) at '\(member.address)', from the other side of the wall"
            }
        }
        return nil
    }
}

extension RunID {
    private static let cleaningPrefix = "rules-"

    /// Of what looks after rules and divides nothing.
    ///
    /// Runs of a plan begin with their time instead.
    ///
    /// Nil when `name` is too long for it.
    package static func cleaning(_ verb: String, of name: String, at time: Int64) -> RunID? {
        RunID("\(cleaningPrefix)\(verb)-\(time)-\(name)")
    }

    package var isCleaning: Bool { description.hasPrefix(Self.cleaningPrefix) }
}

extension AddressBlock {
    /// Addresses that no network has: RFC 5737 and RFC 3849.
    package static let documentation = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]
        .compactMap { AddressBlock($0) }
}
