import FoundationEssentials

/// The node at a sealed tree's root that says when, why and where to.
package struct MovedNote: Hashable, Sendable {
    package static let name = "mitosis-moved"

    /// The run that moved the tree.
    package let run: String
    /// Unix milliseconds.
    package let at: Int64
    /// Where its clients belong now.
    package let destination: String
    package let plan: String

    package init(run: String, at: Int64, destination: String, plan: String) {
        self.run = run
        self.at = at
        self.destination = destination
        self.plan = plan
    }

    static func path(in tree: String) -> String { tree + "/" + name }

    private static let heading =
        "This tree has moved, and is sealed here against mistakes: nobody may change it.\n"

    var data: Data {
        let date = Date(timeIntervalSince1970: Double(at) / 1000).formatted(.iso8601)
        return Data(
            (Self.heading + runLine + "sealed: \(date)\nnow at: \(destination)\n"
                + "to open it again: mitosis seal --unseal \(plan)\n").utf8
        )
    }

    private var runLine: String { "run: \(run)\n" }

    /// Whether it is this run's, whenever it was written.
    func isIn(_ data: Data) -> Bool {
        String(decoding: data, as: UTF8.self).hasPrefix(Self.heading + runLine)
    }
}
