/// How an agent's own records stand.
package struct RecordState: Hashable, Sendable, Codable {
    /// What of them was damaged on the disk, until the damaged file is moved away; nil when nothing was.
    package internal(set) var problem: String?
    /// The newest line about what was done; nil before the first since the agent's start.
    package let audit: AuditHead?

    /// The agent's own, and never sent as such.
    let shown: String?

    package init(problem: FaultText?, audit: AuditHead?) {
        self.problem = problem?.whole
        self.audit = audit
        shown = problem?.shown
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        problem = try values.decodeIfPresent(String.self, forKey: .problem)
        audit = try values.decodeIfPresent(AuditHead.self, forKey: .audit)
        shown = nil
    }

    private enum CodingKeys: String, CodingKey {
        case problem
        case audit
    }
}
