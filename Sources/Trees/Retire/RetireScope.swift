/// Which nodes of an ensemble are old copies.
package struct RetireScope: Hashable, Sendable {
    private static let system = "/zookeeper"

    package enum Side: String, Sendable, CaseIterable {
        /// What has moved from here.
        case source
        /// What came along and is in no tree that moved.
        case destination
    }

    package let side: Side
    package let trees: [String]

    package init(_ side: Side, trees: [String]) {
        self.side = side
        self.trees = trees
    }

    var roots: [String] {
        switch side {
        case .source: trees
        case .destination: ["/"]
        }
    }

    /// Left out of the walk, with all below.
    var except: Set<String> {
        switch side {
        case .source: Set(notes)
        case .destination: Set(trees + [Self.system])
        }
    }

    /// Our own nodes, which go with the copy and are in no backup.
    var notes: [String] {
        switch side {
        case .source: trees.map(MovedNote.path)
        case .destination: []
        }
    }

    /// Of what others go on using, what lies in what would be removed here, and keeps all above it from being removed.
    package func others(_ except: [String]) -> [String] {
        switch side {
        case .source: except.filter { path in trees.contains { path == $0 || path.hasPrefix($0 + "/") } }
        // Trees stay here with all that is in them.
        case .destination: []
        }
    }

    /// Nodes on the way to a tree stay, as ZooKeeper's own do.
    func holds(_ path: String) -> Bool {
        switch side {
        case .source: true
        case .destination: path != "/" && !trees.contains { $0.hasPrefix(path + "/") }
        }
    }

    /// Under which name a node is counted.
    func heading(_ path: String) -> String {
        switch side {
        case .source: trees.first { path == $0 || path.hasPrefix($0 + "/") } ?? path
        case .destination: "/" + path.dropFirst().prefix { $0 != "/" }
        }
    }
}
