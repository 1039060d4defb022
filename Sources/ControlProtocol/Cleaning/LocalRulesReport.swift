/// What `mitosis-agent rules list --local --json` says of its host, for a coordinator that the host's agent does not answer.
package struct LocalRulesReport: Hashable, Sendable, Codable {
    package let rules: InstalledRules
    package let lease: LeaseState
    /// The host's, Unix milliseconds.
    package let clock: Int64
    /// Nil on a host whose configuration names no ZooKeeper.
    package let zookeeper: ZooKeeperStatus?
    /// Nil when there is none.
    package let order: OrderState?

    package init(
        rules: InstalledRules,
        lease: LeaseState,
        clock: Int64,
        zookeeper: ZooKeeperStatus?,
        order: OrderState? = nil
    ) {
        self.order = order
        self.rules = rules
        self.lease = lease
        self.clock = clock
        self.zookeeper = zookeeper
    }
}

extension LocalRulesReport: Bounded {
    package func check() throws(OutOfBounds) {
        try check("clock", clock, Bound.time)
        try check("lease", lease)
        try check("rules", rules)
        try check("zookeeper", zookeeper)
        try check("order", order)
    }
}

extension RulesFacts {
    package init(_ report: LocalRulesReport) {
        self.init(
            rules: report.rules,
            lease: report.lease,
            clock: report.clock,
            zookeeper: report.zookeeper,
            order: report.order
        )
    }
}
