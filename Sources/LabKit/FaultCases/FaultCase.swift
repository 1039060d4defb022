/// One fault in one run: what strikes which host at which place of the procedure, and what its operator does then.
package struct FaultCase: Codable, Sendable, Hashable {
    package enum Moment: String, Codable, Sendable, CaseIterable {
        /// The step has begun.
        case begun
        /// It has come to its end.
        case ended

        /// As the coordinator's events name it.
        var event: String {
            switch self {
            case .begun: "stepStarted"
            case .ended: "stepFinished"
            }
        }
    }

    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// The coordinator is killed; its host is the control host.
        case coordinator
        /// The agent is killed; systemd starts it again.
        case agent
        /// ZooKeeper is killed; something that looks after it starts it after two seconds, as far as the host lets it.
        case server
        /// ZooKeeper is frozen for some seconds, as by a long collection or a disk.
        case pause
        /// The host is cut off from all others for some seconds.
        case cut
        /// The host crashes and boots, with its ZooKeeper's unit enabled.
        case boot
        /// The coordinator and the host's agent are killed together.
        case coordinatorAndAgent = "coordinator-and-agent"
        /// The coordinator is killed, and the host crashes and boots.
        case coordinatorAndBoot = "coordinator-and-boot"
        /// The disk of the host's ZooKeeper takes half a second for every write and flush, for some seconds.
        case slowDisk = "slow-disk"
        /// The host's disk is full for some seconds, for ZooKeeper and agent.
        case fullDisk = "full-disk"
        /// The wall clock of the host's ZooKeeper and agent is an hour ahead for some seconds, then an hour behind, then right.
        case clock
        /// The host alone keeps up with the source's leader, and is slow to start: nobody else has the newest writes.
        case lag
        /// The coordinator is killed, and every ZooKeeper of both sides ends at once and starts again, several times; its host is the
        /// control host.
        case outage

        /// Whether it is done by what `HostFaults` puts into the host's programs.
        var isPreloaded: Bool { self == .slowDisk || self == .fullDisk || self == .clock }

        var endsCoordinator: Bool {
            switch self {
            case .coordinator, .coordinatorAndAgent, .coordinatorAndBoot, .outage: true
            case .agent, .server, .pause, .cut, .boot, .slowDisk, .fullDisk, .clock, .lag: false
            }
        }
    }

    /// What the operator does when the run has not come to its end by itself.
    package enum Way: String, Codable, Sendable, CaseIterable {
        /// `mitosis run`.
        case forward
        /// `mitosis rollback` to what was before; then a run anew.
        case back
        /// The journal is lost: `mitosis takeover`, then a run.
        case takeover
    }

    package let step: String
    package let moment: Moment
    package let host: String
    package let kind: Kind
    package let way: Way

    package init(step: String, moment: Moment, host: String, kind: Kind, way: Way) {
        self.step = step
        self.moment = moment
        self.host = host
        self.kind = kind
        self.way = way
    }

    /// - Returns: the host that is struck.
    /// - Throws: when the lab has no such host, or the fault strikes none of its kind.
    @discardableResult
    package func check(against configuration: LabConfiguration) throws(LabError) -> LabHost {
        let hosts =
            switch kind {
            case .coordinator, .outage: [configuration.control]
            case .lag: configuration.seeds
            case .agent, .server, .pause, .cut, .boot, .coordinatorAndAgent, .coordinatorAndBoot, .slowDisk,
                .fullDisk, .clock:
                configuration.zooKeeperHosts
            }
        guard let found = hosts.first(where: { $0.name == host }) else {
            throw .invalid(
                reason:
                    "'\(kind.rawValue)' strikes \(hosts.map(\.name).joined(separator: ", ")), not '\(host)'"
            )
        }
        return found
    }
}

/// What came of a case.
package struct FaultReport: Codable, Sendable {
    /// A command of the operator and how it ended.
    package struct Attempt: Codable, Sendable {
        package let command: String
        package let status: Int32
        /// The end of what it said, when it failed.
        package let said: String?
    }

    package let fault: FaultCase
    package let strategy: LabConfiguration.Strategy
    /// Whether the run came to the place at all.
    package var struck = false
    /// Whether the run that was struck came to its end by itself.
    package var unaided = false
    package var attempts: [Attempt] = []
    package var acknowledged = 0
    package var lost = 0
    /// Whether the run's own comparison found both trees equal.
    package var compared = false
    /// Everything that is not as it must be, a sentence each.
    package var problems: [String] = []

    /// How the problem begins that the fault did not strike.
    static func unreached(_ fault: FaultCase) -> String { "\(fault.step) was not reached" }

    package init(fault: FaultCase, strategy: LabConfiguration.Strategy) {
        self.fault = fault
        self.strategy = strategy
    }
}
