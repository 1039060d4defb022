import Topology

// The bounds of what an agent observes.

extension HostStatus: Bounded {
    package func check() throws(OutOfBounds) {
        try check("protocolVersion", protocolVersion, Bound.version)
        try check("clock", clock, Bound.time)
        try check("agentStartedAt", agentStartedAt, Bound.time)
        try check("lease", lease)
        try check("rules", rules)
        try check("zookeeper", zookeeper)
        try check("services", each: services)
        try check("files", each: files)
        try check("credentials", credentials)
        try check("ruleManagers", each: ruleManagers)
        try check("configurationManagers", each: configurationManagers)
        try check("reach", elementsOf: reach)
        try check("order", order)
        try check("records.audit.number", records?.audit?.number, Bound.lines)
    }
}

extension NamedService: Bounded {
    package func check() throws(OutOfBounds) {
        try check("state", state)
        try check("overrides", elementsOf: overrides)
    }
}

extension ServiceState: Bounded {
    package func check() throws(OutOfBounds) {
        switch self {
        case .running(let pid): try check("running.pid", pid, Bound.processID)
        case .changing, .stopped, .failed: break
        }
    }
}

extension ZooKeeperStatus: Bounded {
    package func check() throws(OutOfBounds) {
        try check("state", state)
        try check("processStartedAt", processStartedAt, Bound.time)
        try check("file", file)
        try check("fileView", elementsOf: fileView)
        try check("runningView", elementsOf: runningView)
        try check("serving", serving)
        try check("lookingFor", lookingFor, Bound.span)
        try check("leadingFor", leadingFor, Bound.span)
        try check("data", data)
        try check("peerSockets", elementsOf: peerSockets)
        try check("diskFree", diskFree, Bound.bytes)
        try check("javaProperties", elementsOf: javaProperties)
        try check("dataSize", dataSize, Bound.bytes)
    }
}

extension Serving: Bounded {
    package func check() throws(OutOfBounds) {
        switch self {
        case .yes(let stats): try check("yes.stats", stats)
        case .looking, .unreachable: break
        }
    }
}

extension ServerStats: Bounded {
    package func check() throws(OutOfBounds) {
        try check("connections", connections, Bound.count)
        try check("outstanding", outstanding, Bound.count)
        try check("nodeCount", nodeCount, Bound.count)
        try check("syncedFollowers", syncedFollowers, Bound.count)
        try check("sessions", sessions, Bound.count)
    }
}

extension DataDirectory: Bounded {
    package func check() throws(OutOfBounds) {
        try check("myid", myid, Bound.serverNumber)
        try check("currentEpoch", currentEpoch, Bound.serverEpoch)
        try check("acceptedEpoch", acceptedEpoch, Bound.serverEpoch)
        try check("epochEnds", elementsOf: epochEnds)
        try check("missing", elementsOf: missing)
        try check("problems", elementsOf: problems)
        for (index, range) in missing.enumerated() where range.last < range.first {
            throw OutOfBounds("missing.\(index)", range.last, not: "at or after its first, \(range.first)")
        }
    }
}

extension CredentialExpiry: Bounded {
    package func check() throws(OutOfBounds) {
        try check("certificate", certificate, Bound.time)
        try check("authority", authority, Bound.time)
        try check("revocationList", revocationList, Bound.time)
        try check("revocationLists", each: revocationLists)
        try check("failures", each: failures)
    }
}

extension RevocationListState: Bounded {
    package func check() throws(OutOfBounds) { try check("nextUpdate", nextUpdate, Bound.time) }
}

extension CredentialProblem: Bounded {
    package func check() throws(OutOfBounds) { try check("since", since, Bound.time) }
}

extension RuleManager: Bounded {
    package func check() throws(OutOfBounds) { try check("pid", pid, Bound.processID) }
}

extension FileState: Bounded {
    package func check() throws(OutOfBounds) {
        try check("size", size, Bound.count)
        try check("mode", mode, Bound.permissions)
        try check("changedAt", changedAt, Bound.time)
    }
}

extension InstalledRules: Bounded {
    package func check() throws(OutOfBounds) {
        try check("wall", wall)
        try check("closed", closed)
        try check("count", count, Bound.count)
        try check("counters", each: counters)
        try check("restored", restored, Bound.count)
    }
}

extension InstalledRules.Counter: Bounded {
    package func check() throws(OutOfBounds) {
        try check("packets", packets, Bound.counter)
        try check("bytes", bytes, Bound.counter)
    }
}

extension Wall: Bounded {
    package func check() throws(OutOfBounds) {
        try check("peers", elementsOf: peers)
        switch scope {
        case .allTCP: break
        case .ports(let numbers): try check("scope.ports.numbers", elementsOf: numbers)
        }
    }
}

extension ClosedPorts: Bounded {
    package func check() throws(OutOfBounds) { try check("ports", elementsOf: ports) }
}

extension LeaseState: Bounded {
    package func check() throws(OutOfBounds) {
        try check("highestEpoch", highestEpoch)
        try check("current", current)
        try check("expiresAt", expiresAt, Bound.time)
        try check("since", since, Bound.time)
        try check("place", place)
    }
}

extension Lease: Bounded {
    package func check() throws(OutOfBounds) { try check("epoch", epoch) }
}

extension FencingEpoch: Bounded {
    package func check() throws(OutOfBounds) {
        try check("", value, 0...Self.highest.value)
    }
}
