/// Paths of nodes, as options name them.
enum NodePath {
    /// The root, or a node.
    static func isPath(_ path: String) -> Bool { path == "/" || isNode(path) }

    static func isNode(_ path: String) -> Bool {
        path.hasPrefix("/")
            && path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
                .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
    }
}
