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
    }
}

extension ClientsReport.Connections: Bounded {
    package func check() throws(OutOfBounds) { try check("count", count, Bound.count) }
}
