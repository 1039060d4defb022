import Topology

extension ClientsRequest: Bounded {
    package func check() throws(OutOfBounds) {}
}

extension ClientsReport: Bounded {
    package func check() throws(OutOfBounds) {
        // Any number of ports that one program may listen on for clients.
        try check("ports", ports.count, 0...64)
        try check("connections", connections?.count, 0...Self.mostConnections)
        try check("connections", each: connections)
        try check("sessions", sessions?.count, 0...Self.mostSessions)
        for session in sessions ?? [] { try check("sessions.timeout", session.timeout, Bound.span) }
    }
}

extension ClientsReport.Connections: Bounded {
    package func check() throws(OutOfBounds) { try check("count", count, Bound.count) }
}

extension WritesRequest: Bounded {
    package func check() throws(OutOfBounds) {
        try check("trees", trees.count, 1...Self.mostTrees)
        for (index, tree) in trees.enumerated() {
            guard NodePath.isPath(tree), tree.utf8.count <= Self.longestTree else {
                throw OutOfBounds(
                    "trees.\(index)",
                    String(tree.prefix(80)),
                    not: "a node's path of \(Self.longestTree) bytes at most"
                )
            }
        }
        try check("place", place)
        try check("apart", apart?.count, 0...Self.mostApart)
    }
}

extension LogPlace: Bounded {
    package func check() throws(OutOfBounds) { try check("offset", offset, 0...1 << 60) }
}

extension WritesReport: Bounded {
    package func check() throws(OutOfBounds) {
        try check("place", place)
        try check("count", count, Bound.count)
        try check("countApart", countApart, Bound.count)
        try check("expired", expired, Bound.count)
        try check("unread", unread, Bound.count)
        try check("writes", writes.count, 0...Self.most)
        try check("writes", each: writes)
    }
}

extension WritesReport.Write: Bounded {
    package func check() throws(OutOfBounds) { try check("at", at, Bound.time) }
}
