/// A program in the agent's network namespace that changes or flushes its rules without being asked by us.
package struct RuleManager: Hashable, Sendable, Codable {
    /// Of the process, or of the unit.
    package let name: String
    /// Nil for a unit that loads rules and has no process of its own.
    package let pid: Int32?

    package init(name: String, pid: Int32?) {
        self.name = name
        self.pid = pid
    }
}
