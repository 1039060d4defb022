/// How an agent's own records stand.
package struct RecordState: Hashable, Sendable, Codable {
    /// What of them was damaged on the disk, until the damaged file is moved away; nil when nothing was.
    package let problem: String?
    /// The newest line about what was done; nil before the first since the agent's start.
    package let audit: AuditHead?

    package init(problem: String?, audit: AuditHead?) {
        self.problem = problem
        self.audit = audit
    }
}
