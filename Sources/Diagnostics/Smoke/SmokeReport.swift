/// What a smoke test does, in its order.
package enum SmokeStep: String, Hashable, Sendable, Codable, CaseIterable {
    case session
    case root
    case create
    case children
    case watch
    case delete
    case notice
    case cleanUp = "clean-up"
}

/// What became of a smoke test, step by step and server by server.
package struct SmokeReport: Hashable, Sendable {
    package struct Failure: Hashable, Sendable, Codable {
        package let step: SmokeStep
        package let server: String
        package let reason: String
    }

    /// The names of the servers, in the order of the question.
    package let servers: [String]
    package let root: String
    /// Milliseconds of each step on each server; nil where it was not done.
    package internal(set) var milliseconds: [[SmokeStep: Double]]
    package internal(set) var failures: [Failure] = []
    package internal(set) var notes: [String] = []

    init(servers: [String], root: String) {
        self.servers = servers
        self.root = root
        milliseconds = servers.map { _ in [:] }
    }

    package var isGood: Bool { failures.isEmpty }
}
