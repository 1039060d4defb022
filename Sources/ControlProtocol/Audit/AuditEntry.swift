/// One line of an agent's audit trail: who asked for what, from where, whether it was allowed, and what came of it.
package struct AuditEntry: Hashable, Sendable, Codable {
    /// From 1 on, without a gap, over all files of a trail; nil in what a version before chains wrote.
    package var number: UInt64?
    /// The hash of the line before.
    package var previous: String?
    /// Unix milliseconds.
    package let time: Int64
    package let identity: String
    package let serial: String
    package let peer: String
    package let run: RunID?
    package let epoch: FencingEpoch?
    package let id: CommandID?
    /// Digests stand for file contents.
    package let command: String
    package let allowed: Bool?
    package let outcome: String
    package let milliseconds: Int
    /// For how many of the kind this line stands, of which only the last is told; nil for one.
    package var count: Int?
    /// How many lines before this one could not be written.
    package var lost: Int?

    package init(
        time: Int64,
        identity: String,
        serial: String,
        peer: String,
        run: RunID? = nil,
        epoch: FencingEpoch? = nil,
        id: CommandID? = nil,
        command: String,
        allowed: Bool = true,
        outcome: String,
        milliseconds: Int
    ) {
        self.time = time
        self.identity = identity
        self.serial = serial
        self.peer = peer
        self.run = run
        self.epoch = epoch
        self.id = id
        self.command = command
        self.allowed = allowed
        self.outcome = outcome
        self.milliseconds = milliseconds
    }
}

extension AuditEntry: Bounded {
    /// What a line's number may be, the chain says.
    package func check() throws(OutOfBounds) {
        try check("time", time, Bound.time)
        try check("epoch", epoch)
        try check("milliseconds", milliseconds, Bound.span)
        try check("count", count, Bound.count)
        try check("lost", lost, Bound.count)
    }
}
