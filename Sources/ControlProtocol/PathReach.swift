/// A path that the agent has to work at, as its own sandbox lets it.
package struct PathReach: Hashable, Sendable, Codable {
    /// A listed file, or a directory of the server's data.
    package let path: String
    /// Why the agent cannot see it as the host's other programs do, or cannot write there; nil when it can do both.
    package internal(set) var problem: String?
    /// The agent's own, and never sent as such.
    let shown: String?

    package init(path: String, problem: String?) { self.init(path: path, problem, shown: nil) }

    package init(path: String, fault: FaultText?) {
        self.init(path: path, fault?.whole, shown: fault?.shown)
    }

    private init(path: String, _ problem: String?, shown: String?) {
        self.path = path
        self.problem = problem
        self.shown = shown
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            path: try values.decode(String.self, forKey: .path),
            problem: try values.decodeIfPresent(String.self, forKey: .problem)
        )
    }

    private enum CodingKeys: String, CodingKey {
        case path
        case problem
    }
}
