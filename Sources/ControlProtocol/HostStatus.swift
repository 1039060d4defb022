package import Topology

/// `GET /v1/status`: everything an agent observes on its host, all of it read now.
package struct HostStatus: Hashable, Sendable, Codable {
    package let host: HostName
    package let agentVersion: String
    package let protocolVersion: Int
    /// The host's clock, Unix milliseconds.
    package let clock: Int64
    package let agentStartedAt: Int64
    package let lease: LeaseState
    package internal(set) var rules: InstalledRules
    /// Nil on a host whose agent's configuration names no ZooKeeper.
    package internal(set) var zookeeper: ZooKeeperStatus?
    /// Services of the agent's configuration other than ZooKeeper's, by name.
    package internal(set) var services: [NamedService]
    /// Files of the agent's allow-list as they are now, in its order; one that cannot be looked at is left out.
    package let files: [FileState]
    /// When the agent's own certificates end; nil when it is not known.
    package internal(set) var credentials: CredentialExpiry?
    /// Programs that change or flush the host's rules on their own; nil when it is not known.
    package let ruleManagers: [RuleManager]?
    /// Programs that would take back what a step changes, and what starts them by the clock; nil when it is not known.
    package var configurationManagers: [RuleManager]?
    /// Of every listed file and data directory; nil when it is not known.
    package internal(set) var reach: [PathReach]?
    /// The agent's own records; nil when it is not known.
    package var records: RecordState?
    /// What the host must hold to whatever reboots; nil when there is nothing, and from agents that know of none.
    package internal(set) var order: OrderState?

    package init(
        host: HostName,
        agentVersion: String,
        protocolVersion: Int,
        clock: Int64,
        agentStartedAt: Int64,
        lease: LeaseState,
        rules: InstalledRules,
        zookeeper: ZooKeeperStatus?,
        services: [NamedService] = [],
        files: [FileState] = [],
        credentials: CredentialExpiry? = nil,
        ruleManagers: [RuleManager]? = nil,
        reach: [PathReach]? = nil,
        order: OrderState? = nil
    ) {
        self.host = host
        self.agentVersion = agentVersion
        self.protocolVersion = protocolVersion
        self.clock = clock
        self.agentStartedAt = agentStartedAt
        self.lease = lease
        self.rules = rules
        self.zookeeper = zookeeper
        self.services = services
        self.files = files
        self.credentials = credentials
        self.ruleManagers = ruleManagers
        self.reach = reach
        self.order = order
    }
}

/// A service of the agent's configuration and what its supervisor says of it.
package struct NamedService: Hashable, Sendable, Codable {
    package let name: String
    package let state: ServiceState
    /// Of a running Kafka broker, by its class path; nil for anything else, and where it does not show.
    package let version: ServerVersion?
    /// What a running broker's command line sets, whatever its file says, of the keys in `ToldProperties.settings`.
    ///
    /// Nil when it is no broker, or not known.
    package let overrides: [String: String]?
    /// Whether its process uses another network than the agent; nil when nothing runs, or it is not known.
    package let hasOwnNetwork: Bool?
    /// The properties file that a running broker was started with; nil when it is no broker, or not known.
    package let configPath: String?

    package init(
        name: String,
        state: ServiceState,
        version: ServerVersion? = nil,
        overrides: [String: String]? = nil,
        hasOwnNetwork: Bool? = nil,
        configPath: String? = nil
    ) {
        self.configPath = configPath
        self.name = name
        self.state = state
        self.version = version
        self.overrides = overrides
        self.hasOwnNetwork = hasOwnNetwork
    }
}

package enum ServiceState: Hashable, Sendable, Codable {
    case running(pid: Int32)
    /// Being started or stopped.
    case changing
    case stopped
    case failed(reason: String)

    package var pid: Int32? {
        switch self {
        case .running(let pid): pid
        case .changing, .stopped, .failed: nil
        }
    }
}

package struct ZooKeeperStatus: Hashable, Sendable, Codable {
    package let service: String
    package internal(set) var state: ServiceState
    /// When the running process was started, Unix milliseconds.
    package let processStartedAt: Int64?
    package let configPath: String
    /// The configuration file as it is now.
    package let file: FileState
    /// The ensemble that the file names now; nil when it is absent or cannot be read.
    package let fileView: [Member]?
    /// The ensemble that the *running* process read when it started.
    ///
    /// Nil when nothing runs, or when the file changed after the start and the agent had not seen it
    /// before.
    package let runningView: [Member]?
    package internal(set) var serving: Serving
    /// For how many milliseconds this process has been seen to look for a leader without serving in between; nil when it
    /// does not look for one.
    ///
    /// Counted from the first time that anybody asked.
    package let lookingFor: Int?
    /// For how many milliseconds of these it has been seen to listen for followers, as only a leader does; nil when it does
    /// not.
    package let leadingFor: Int?
    package internal(set) var data: DataDirectory
    /// Established TCP connections on the quorum and election ports, from the kernel's table.
    ///
    /// Nil when it is not known: the table or the ports could not be read.
    package let peerSockets: [PeerSocket]?
    /// Bytes free where the data directory is; the smaller number when its logs are elsewhere.
    package let diskFree: UInt64?
    /// Of the Java system properties (`-Dname=value`) that the running process was started with, those that
    /// `ToldProperties` names.
    ///
    /// Nil when nothing runs, or it is no JVM that can be looked at.
    package let javaProperties: [String: String]?
    /// Bytes on disk that a server needs to begin from: the newest snapshot and the logs from there on.
    ///
    /// Nil when they could not be looked at.
    package let dataSize: UInt64?
    /// Whether its process uses another network than the agent, whose rules do not reach it.
    ///
    /// Nil when nothing runs, or it is not known.
    package let hasOwnNetwork: Bool?
    /// Nil where no systemd starts it, or it is not known.
    package let boot: UnitBoot?

    package init(
        service: String,
        state: ServiceState,
        processStartedAt: Int64?,
        configPath: String,
        file: FileState,
        fileView: [Member]?,
        runningView: [Member]?,
        serving: Serving,
        data: DataDirectory,
        peerSockets: [PeerSocket]?,
        diskFree: UInt64?,
        javaProperties: [String: String]? = nil,
        dataSize: UInt64? = nil,
        lookingFor: Int? = nil,
        leadingFor: Int? = nil,
        hasOwnNetwork: Bool? = nil,
        boot: UnitBoot? = nil
    ) {
        self.boot = boot
        self.service = service
        self.state = state
        self.processStartedAt = processStartedAt
        self.configPath = configPath
        self.file = file
        self.fileView = fileView
        self.runningView = runningView
        self.serving = serving
        self.data = data
        self.peerSockets = peerSockets
        self.diskFree = diskFree
        self.javaProperties = javaProperties
        self.dataSize = dataSize
        self.lookingFor = lookingFor
        self.leadingFor = leadingFor
        self.hasOwnNetwork = hasOwnNetwork
    }
}

/// What the server itself answers on its client port (`srvr`).
package enum Serving: Hashable, Sendable, Codable {
    case yes(stats: ServerStats)
    /// It answers that it is not currently serving requests: it is looking for a leader.
    case looking
    /// Nothing listens, or it did not answer in time.
    case unreachable(reason: String)

    /// The server answers, and refuses this question: its whitelist leaves `srvr` out.
    package var isSilenced: Bool {
        switch self {
        case .unreachable(let reason): reason.contains("is not in the whitelist")
        case .yes, .looking: false
        }
    }
}

package struct ServerStats: Hashable, Sendable, Codable {
    package enum Role: String, Hashable, Sendable, Codable {
        case leader
        case follower
        case observer
        case standalone
    }

    package let version: ServerVersion
    package let role: Role
    package let zxid: Zxid
    package let connections: Int
    package let outstanding: Int
    package let nodeCount: Int
    /// Followers the leader counts as synced (`mntr`); nil where the server does not allow the question.
    package let syncedFollowers: Int?
    /// Sessions of the whole ensemble as its leader counts them (`mntr`); nil where it does not say, as before 3.6.
    package let sessions: Int?

    package init(
        version: ServerVersion,
        role: Role,
        zxid: Zxid,
        connections: Int,
        outstanding: Int,
        nodeCount: Int,
        syncedFollowers: Int?,
        sessions: Int? = nil
    ) {
        self.version = version
        self.role = role
        self.zxid = zxid
        self.connections = connections
        self.outstanding = outstanding
        self.nodeCount = nodeCount
        self.syncedFollowers = syncedFollowers
        self.sessions = sessions
    }
}

/// `dataDir`/`dataLogDir` on disk, read without the server.
package struct DataDirectory: Hashable, Sendable, Codable {
    package let path: String
    package let logPath: String
    /// `version-2` is absent or holds no snapshot and no log.
    package let isEmpty: Bool
    /// The content of `myid`; nil when absent or not a number.
    package let myid: Int?
    package let currentEpoch: Int64?
    package let acceptedEpoch: Int64?
    /// The newest complete snapshot, from which the server would start.
    package let snapshot: Zxid?
    /// The newest transaction that the server would load: from the logs after the snapshot, or the snapshot's own.
    package let lastZxid: Zxid?
    /// The newest transaction of every epoch in the logs after the snapshot, ascending.
    ///
    /// Of the epochs before the last these are complete histories only if no other server saw their epoch go on:
    /// what is missing at the end of an epoch cannot be seen in one directory alone.
    package let epochEnds: [Zxid]
    /// Transactions after the snapshot that the logs must have held and do not hold.
    package let missing: [ZxidRange]
    /// Why part of it could not be read; empty when all could.
    package internal(set) var problems: [String]
    /// The same for viewers; the agent's own, and never sent as such.
    package let shownProblems: [String]?

    package init(
        path: String,
        logPath: String,
        isEmpty: Bool,
        myid: Int?,
        currentEpoch: Int64?,
        acceptedEpoch: Int64?,
        snapshot: Zxid? = nil,
        lastZxid: Zxid?,
        epochEnds: [Zxid] = [],
        missing: [ZxidRange] = [],
        problems: [String],
        shownProblems: [String]? = nil
    ) {
        self.path = path
        self.logPath = logPath
        self.isEmpty = isEmpty
        self.myid = myid
        self.currentEpoch = currentEpoch
        self.acceptedEpoch = acceptedEpoch
        self.snapshot = snapshot
        self.lastZxid = lastZxid
        self.epochEnds = epochEnds
        self.missing = missing
        self.problems = problems
        self.shownProblems = shownProblems
    }

    private enum CodingKeys: String, CodingKey {
        case path, logPath, isEmpty, myid, currentEpoch, acceptedEpoch, snapshot, lastZxid, epochEnds, missing
        case problems
    }

    /// An agent of an earlier version says nothing of epochs and of what is missing.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            path: try values.decode(String.self, forKey: .path),
            logPath: try values.decode(String.self, forKey: .logPath),
            isEmpty: try values.decode(Bool.self, forKey: .isEmpty),
            myid: try values.decodeIfPresent(Int.self, forKey: .myid),
            currentEpoch: try values.decodeIfPresent(Int64.self, forKey: .currentEpoch),
            acceptedEpoch: try values.decodeIfPresent(Int64.self, forKey: .acceptedEpoch),
            snapshot: try values.decodeIfPresent(Zxid.self, forKey: .snapshot),
            lastZxid: try values.decodeIfPresent(Zxid.self, forKey: .lastZxid),
            epochEnds: try values.decodeIfPresent([Zxid].self, forKey: .epochEnds) ?? [],
            missing: try values.decodeIfPresent([ZxidRange].self, forKey: .missing) ?? [],
            problems: try values.decode([String].self, forKey: .problems)
        )
    }
}

package struct PeerSocket: Hashable, Sendable, Codable {
    package let localPort: Port
    package let remoteAddress: IPAddress
    package let remotePort: Port

    package init(localPort: Port, remoteAddress: IPAddress, remotePort: Port) {
        self.localPort = localPort
        self.remoteAddress = remoteAddress
        self.remotePort = remotePort
    }
}
