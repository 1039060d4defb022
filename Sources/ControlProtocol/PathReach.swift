/// A path that the agent has to work at, as its own sandbox lets it.
package struct PathReach: Hashable, Sendable, Codable {
    /// A listed file, or a directory of the server's data.
    package let path: String
    /// Why the agent cannot see it as the host's other programs do, or cannot write there; nil when it can do both.
    package let problem: String?

    package init(path: String, problem: String?) {
        self.path = path
        self.problem = problem
    }
}
