extension HostStatus {
    /// The same without what programs of the host have printed: nobody knows what secrets stand there.
    ///
    /// A viewer sees that a service has failed, that a server does not answer, that rules cannot be read; a coordinator sees
    /// why, too.
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
        }
        return status
    }

    fileprivate static let untold = "a coordinator is told why"
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
