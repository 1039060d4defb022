internal import FoundationEssentials

/// A moment on both clocks: the monotonic one for gaps, the wall for comparing with other logs.
package struct Instant: Codable, Sendable, Hashable {
    /// Seconds on CLOCK_MONOTONIC, the same for every process of the machine.
    package let monotonic: Double
    /// Unix seconds.
    package let wall: Double

    package init(monotonic: Double, wall: Double) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

/// One write of a writing client.
package struct Operation: Codable, Sendable, Hashable {
    package enum Kind: String, Codable, Sendable {
        case create
        case set
    }

    package enum Outcome: String, Codable, Sendable {
        /// Acknowledged: it must be there.
        case ok
        /// A server decided against it: it must not be there.
        case fail
        /// The client did not learn: it may be there.
        case unknown
    }

    package let number: Int
    package let kind: Kind
    package let path: String
    package let outcome: Outcome
    package let invoked: Instant
    package let completed: Instant
    /// The node's version after an acknowledged set.
    package let version: Int?

    package init(
        number: Int,
        kind: Kind,
        path: String,
        outcome: Outcome,
        invoked: Instant,
        completed: Instant,
        version: Int? = nil
    ) {
        self.number = number
        self.kind = kind
        self.path = path
        self.outcome = outcome
        self.invoked = invoked
        self.completed = completed
        self.version = version
    }
}

/// What one writing client saw, in order.
package struct History: Sendable {
    /// The client's last line.
    package struct Final: Sendable, Hashable {
        package let at: Instant
        package let session: String?
        /// The session that owned the client's ephemeral node then; nil when there was no such node.
        package let owner: String?

        package init(at: Instant, session: String?, owner: String?) {
            self.at = at
            self.session = session
            self.owner = owner
        }
    }

    package let side: LabHost.Side
    package let operations: [Operation]
    /// The session that wrote first; nil when the client never got as far.
    package let session: String?
    /// Nil when the client was cut off before its last line.
    package let final: Final?

    package init(side: LabHost.Side, operations: [Operation], session: String?, final: Final?) {
        self.side = side
        self.operations = operations
        self.session = session
        self.final = final
    }

    /// Reads a log of `workload.py`; a line that cannot be read is an error with its number.
    package init(side: LabHost.Side, reading text: String, from path: String) throws(LabError) {
        var operations: [Operation] = []
        var session: String?
        var final: Final?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            let data = Data(line.utf8)
            do {
                switch try JSONDecoder().decode(Event.self, from: data).event {
                case .start, .session: continue
                case .ready: session = try JSONDecoder().decode(Session.self, from: data).session
                case .operation: operations.append(try JSONDecoder().decode(Operation.self, from: data))
                case .final:
                    let end = try JSONDecoder().decode(Session.self, from: data)
                    final = Final(at: end.at, session: end.session, owner: end.owner)
                }
            } catch {
                throw .file(path: path, reason: "line \(index + 1) cannot be read: \(error)")
            }
        }
        self.init(side: side, operations: operations, session: session, final: final)
    }

    private struct Event: Decodable {
        enum Kind: String, Decodable {
            case start
            case session
            case ready
            case operation
            case final
        }

        let event: Kind
    }

    private struct Session: Decodable {
        let session: String?
        let owner: String?
        let at: Instant
    }
}
