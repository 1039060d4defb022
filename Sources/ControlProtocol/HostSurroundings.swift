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
