/// What the host's systemd does with a unit when it boots.
package struct UnitBoot: Hashable, Sendable, Codable {
    /// Whether it is started by itself.
    package let isEnabled: Bool
    /// Whether it asks first whether an order holds it back.
    package let asksOrder: Bool

    /// Whether what undoes a division without the agent waits there; nil where the agent does not say.
    package let lapses: Bool?

    package init(isEnabled: Bool, asksOrder: Bool, lapses: Bool? = nil) {
        self.isEnabled = isEnabled
        self.asksOrder = asksOrder
        self.lapses = lapses
    }
}

/// A program in the agent's network namespace that changes or flushes its rules, or its files, without being asked by us.
package struct RuleManager: Hashable, Sendable, Codable {
    /// Of the process, the unit, or the file that starts it.
    package let name: String
    /// Nil for what has no process of its own.
    package let pid: Int32?

    package init(name: String, pid: Int32?) {
        self.name = name
        self.pid = pid
    }
}
