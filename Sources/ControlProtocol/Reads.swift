package import FoundationEssentials
package import Topology

/// `POST /v1/read/file`: a file of the agent's allow-list, with its content.
///
/// Coordinators only.
package struct FileReadRequest: Hashable, Sendable, Codable {
    package let path: String
    /// The run before whose first write to it the file is wanted; nil for the file as it is now.
    package let original: RunID?

    package init(path: String, original: RunID? = nil) {
        self.path = path
        self.original = original
    }
}

package struct FileContent: Hashable, Sendable, Codable {
    package let state: FileState
    /// Nil when the file does not exist.
    package let content: Data?
    package init(state: FileState, content: Data?) {
        self.state = state
        self.content = content
    }
}

/// `POST /v1/read/rules`: the exact text the agent would hand to its backend for this wall.
///
/// Changes nothing.
package struct RulesPreviewRequest: Hashable, Sendable, Codable {
    package let wall: Wall
    package init(wall: Wall) { self.wall = wall }
}

package struct RulesPreview: Hashable, Sendable, Codable {
    package let backend: FirewallBackend
    package let text: String
    package init(backend: FirewallBackend, text: String) {
        self.backend = backend
        self.text = text
    }
}

/// `POST /v1/read/probe`: tries to connect from the agent's host.
///
/// Coordinators only, allowed peers only.
package struct ProbeRequest: Hashable, Sendable, Codable {
    package let targets: [ProbeTarget]
    package init(targets: [ProbeTarget]) { self.targets = targets }
}

package struct ProbeTarget: Hashable, Sendable, Codable {
    package let address: IPAddress
    package let port: Port
    package init(address: IPAddress, port: Port) {
        self.address = address
        self.port = port
    }
}

package struct ProbeReply: Hashable, Sendable, Codable {
    package let results: [ProbeResult]
    package init(results: [ProbeResult]) { self.results = results }
}

package struct ProbeResult: Hashable, Sendable, Codable {
    package enum Answer: String, Hashable, Sendable, Codable {
        case connected
        /// Answered by a reset: nothing listens there, or a rule refuses it.
        case refused
        /// No answer within a second.
        case silent
        case unreachable
    }

    package let target: ProbeTarget
    package let answer: Answer
    package init(target: ProbeTarget, answer: Answer) {
        self.target = target
        self.answer = answer
    }
}

/// `POST /v1/read/history`: whether transactions are in the history of this host's ZooKeeper, by its files.
///
/// Coordinators only.
package struct HistoryRequest: Hashable, Sendable, Codable {
    /// 1 to 256.
    package let zxids: [Zxid]
    package init(zxids: [Zxid]) { self.zxids = zxids }
}

package struct HistoryReply: Hashable, Sendable, Codable {
    /// One for each zxid asked for, in the order of the question.
    package let results: [HistoryResult]
    package init(results: [HistoryResult]) { self.results = results }
}

package struct HistoryResult: Hashable, Sendable, Codable {
    package let zxid: Zxid
    package let presence: Presence
    package init(zxid: Zxid, presence: Presence) {
        self.zxid = zxid
        self.presence = presence
    }
}

package enum Presence: String, Hashable, Sendable, Codable {
    /// A finished record in the logs.
    case logged
    /// Older than every record kept, and not newer than the newest complete snapshot.
    case snapshot
    case absent
}

/// `POST /v1/read/parser`: what the parser of this host's own ZooKeeper makes of configuration files; nothing is started.
///
/// Coordinators only.
package struct ParserRequest: Hashable, Sendable, Codable {
    /// 1 to 4, of 256 KiB at most.
    package let contents: [Data]
    package init(contents: [Data]) { self.contents = contents }
}

package struct ParserReply: Hashable, Sendable, Codable {
    /// Of the ZooKeeper whose parser it is.
    package let version: ServerVersion?
    /// One for each file asked about, in their order: the parser's words, empty for a file that it accepts.
    package let refusals: [String]
    /// Why the parser could not be asked; nothing is known of the files then.
    package let obstacle: String?

    package init(version: ServerVersion?, refusals: [String], obstacle: String?) {
        self.version = version
        self.refusals = refusals
        self.obstacle = obstacle
    }

    package init(obstacle: String) { self.init(version: nil, refusals: [], obstacle: obstacle) }
}

/// The body of every answer that is not a 2xx.
package struct ErrorReply: Hashable, Sendable, Codable {
    package let error: String
    package let refusal: Refusal?
    package init(error: String, refusal: Refusal? = nil) {
        self.error = error
        self.refusal = refusal
    }
}
