extension HostStatus {
    /// The same without what programs of the host have printed or files hold: nobody knows what secrets stand there.
    ///
    /// A viewer sees that a service has failed, that a server does not answer, that rules cannot be read, and which file has a
    /// fault of which kind; a coordinator sees why, too.
    package var forViewers: HostStatus {
        var status = self
        status.services = services.map {
            NamedService(
                name: $0.name,
                state: $0.state.forViewers,
                version: $0.version,
                overrides: $0.overrides,
                hasOwnNetwork: $0.hasOwnNetwork,
                configPath: $0.configPath
            )
        }
        if order?.unreadable != nil { status.order?.unreadable = Self.untold }
        if order?.problem != nil { status.order?.problem = Self.untold }
        if rules.unreadable != nil { status.rules.unreadable = Self.untold }
        if let zookeeper {
            status.zookeeper?.state = zookeeper.state.forViewers
            status.zookeeper?.serving = zookeeper.serving.forViewers
            status.zookeeper?.data = zookeeper.data.forViewers
        }
        status.reach = reach?.map(\.forViewers)
        status.credentials?.failures = credentials?.failures?.map(\.forViewers)
        status.records = records?.forViewers
        return status
    }

    fileprivate static let untold = "a coordinator is told why"
}

// What an agent has no words for is left out as a whole.

extension DataDirectory {
    fileprivate var forViewers: DataDirectory {
        var data = self
        data.problems = shownProblems ?? problems.map { _ in HostStatus.untold }
        return data
    }
}

extension PathReach {
    fileprivate var forViewers: PathReach {
        var reach = self
        if problem != nil { reach.problem = shown ?? HostStatus.untold }
        return reach
    }
}

extension CredentialProblem {
    fileprivate var forViewers: CredentialProblem {
        var failure = self
        failure.reason = shown ?? HostStatus.untold
        return failure
    }
}

extension RecordState {
    fileprivate var forViewers: RecordState {
        var records = self
        if problem != nil { records.problem = shown ?? HostStatus.untold }
        return records
    }
}

extension ServiceState {
    fileprivate var forViewers: ServiceState {
        switch self {
        case .running, .changing, .stopped: self
        case .failed: .failed(reason: HostStatus.untold)
        }
    }
}

extension Serving {
    fileprivate var forViewers: Serving {
        switch self {
        case .yes, .looking: self
        case .unreachable: .unreachable(reason: HostStatus.untold)
        }
    }
}
