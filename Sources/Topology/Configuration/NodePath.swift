/// Paths of nodes, as options and plans name them.
package enum NodePath {
    /// The root, or a node.
    package static func isPath(_ path: String) -> Bool { path == "/" || isNode(path) }

    package static func isNode(_ path: String) -> Bool {
        path.hasPrefix("/")
            && path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
                .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
    }
}
