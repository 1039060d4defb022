import Topology

/// Every check of the preflight by name, in the order in which they are shown; a waiver names one of them.
///
/// A check more is a case here, a line in each of the three lists below and a file in the procedure, and the build breaks
/// until all are there; docs/plan-file.md is compared by a test.
package enum CheckName: String, Hashable, Sendable, Codable, CaseIterable, CustomStringConvertible {
    case planFile = "plan-file"
    case agents
    case serverProcesses = "server-processes"
    case clocks
    case certificates
    case credentialFiles = "credential-files"
    case revocationList = "revocation-list"
    case configurationFiles = "configuration-files"
    case serverParser = "server-parser"
    case agentReach = "agent-reach"
    case configPaths = "config-paths"
    case staticConfiguration = "static-configuration"
    case quorumSecurity = "quorum-security"
    case sessionLimits = "session-limits"
    case observerSync = "observer-sync"
    case durableWrites = "durable-writes"
    case maxBuffer = "max-buffer"
    case seeds
    case destinationIDs = "destination-ids"
    case serverIDs = "server-ids"
    case epochs
    case dataDirectories = "data-directories"
    case zookeeperVersion = "zookeeper-version"
    case knownFaults = "known-faults"
    case versionPair = "version-pair"
    case readableData = "readable-data"
    case sourceEnsemble = "source-ensemble"
    case zxidHeadroom = "zxid-headroom"
    case fourLetterWords = "four-letter-words"
    case writeCanary = "write-canary"
    case peerAddresses = "peer-addresses"
    case destinationStopped = "destination-stopped"
    case destinationData = "destination-data"
    case destinationNetwork = "destination-network"
    case crossingPaths = "crossing-paths"
    case firewallBackend = "firewall-backend"
    case leftoverRules = "leftover-rules"
    case ruleManagers = "rule-managers"
    case configurationManagers = "configuration-managers"
    case bootHold = "boot-hold"
    case brokers
    case connectStrings = "connect-strings"
    case clusterID = "cluster-id"
    case sessionTimeouts = "session-timeouts"
    case kafkaWhole = "kafka-whole"
    case movedClients = "moved-clients"

    package var description: String { rawValue }

    /// Rows of the trap table in docs/procedure.md that it looks for.
    package var traps: [Int] { row.traps }
    /// Why no reason of an operator's can do without this check; nil when one can.
    package var obstacle: String? { row.obstacle }

    private struct Row {
        let traps: [Int]
        let obstacle: String?

        static func waivable(traps: [Int]) -> Row { Row(traps: traps, obstacle: nil) }
        static func needed(traps: [Int], _ obstacle: String) -> Row { Row(traps: traps, obstacle: obstacle) }
    }

    private static let laterStep = "a later step looks for the same and would stop the run there"
    private static let files = "the files are what the division changes and puts back"
    private static let histories = "the ensemble would be mixed with another history"
    private static let oneEnsemble = "there must be exactly one ensemble to begin from"
    private static let otherCluster = "another cluster could be repointed"

    private var row: Row {
        switch self {
        case .planFile: .needed(traps: [], "without a plan there is nothing to do")
        case .agents: .needed(traps: [], "every step needs every agent")
        case .serverProcesses:
            .needed(traps: [21], "a server that the agent cannot look into cannot be detached without loss")
        case .clocks: .waivable(traps: [19])
        case .certificates: .waivable(traps: [19])
        case .credentialFiles: .waivable(traps: [])
        case .revocationList: .waivable(traps: [])
        case .configurationFiles: .needed(traps: [], Self.files)
        case .serverParser: .waivable(traps: [])
        case .agentReach:
            .needed(
                traps: [],
                "what the agent cannot see would pass for empty, and what it cannot write stops the run"
            )
        case .configPaths: .needed(traps: [15], Self.files)
        case .staticConfiguration: .needed(traps: [6], Self.files)
        case .quorumSecurity: .waivable(traps: [18])
        case .sessionLimits: .waivable(traps: [11])
        case .observerSync:
            .needed(traps: [4], "observers without data on disk would lose everything at the division")
        case .durableWrites: .waivable(traps: [21])
        case .maxBuffer: .needed(traps: [14], Self.laterStep)
        case .seeds:
            .needed(
                traps: [2],
                "other seeds could outvote the source, or elect a leader without the newest write"
            )
        case .destinationIDs: .needed(traps: [5], "lower ids cannot keep election connections open")
        case .serverIDs: .needed(traps: [3], Self.histories)
        case .epochs: .needed(traps: [3], Self.histories)
        case .dataDirectories: .waivable(traps: [9])
        case .zookeeperVersion: .waivable(traps: [1])
        case .knownFaults: .waivable(traps: [])
        case .versionPair: .waivable(traps: [])
        case .readableData: .waivable(traps: [])
        case .sourceEnsemble: .needed(traps: [2], Self.oneEnsemble)
        case .zxidHeadroom: .waivable(traps: [])
        case .fourLetterWords: .needed(traps: [7], "roles and transactions are read with `srvr` throughout")
        case .writeCanary: .needed(traps: [8], Self.laterStep)
        case .peerAddresses: .needed(traps: [23], Self.laterStep)
        case .destinationStopped: .needed(traps: [2], Self.oneEnsemble)
        case .destinationData: .needed(traps: [3], Self.histories)
        case .destinationNetwork: .waivable(traps: [22])
        case .crossingPaths: .needed(traps: [23], Self.laterStep)
        case .firewallBackend: .needed(traps: [16], "there is no division without a wall")
        case .leftoverRules: .needed(traps: [16], "`mitosis rules clean` removes them at once")
        case .ruleManagers: .waivable(traps: [17])
        case .configurationManagers: .waivable(traps: [])
        case .bootHold: .waivable(traps: [])
        case .brokers: .needed(traps: [], Self.otherCluster)
        case .connectStrings: .waivable(traps: [12])
        case .clusterID: .needed(traps: [13], Self.otherCluster)
        case .sessionTimeouts: .waivable(traps: [10])
        case .kafkaWhole: .needed(traps: [20], Self.laterStep)
        case .movedClients: .needed(traps: [24], "another client's file could be written, or none")
        }
    }
}

/// What has a value for every check of a plan: the procedure's checks, of which the plan's reader knows the names alone.
package protocol CheckCatalog {
    associatedtype Plan
    associatedtype Kafka
    associatedtype Clients

    static func planFile(_ plan: Plan) -> Self
    static func agents(_ plan: Plan) -> Self
    static func serverProcesses(_ plan: Plan) -> Self
    static func clocks(_ plan: Plan) -> Self
    static func certificates(_ plan: Plan) -> Self
    static func credentialFiles(_ plan: Plan) -> Self
    static func revocationList(_ plan: Plan) -> Self
    static func configurationFiles(_ plan: Plan) -> Self
    static func serverParser(_ plan: Plan) -> Self
    static func agentReach(_ plan: Plan) -> Self
    static func configPaths(_ plan: Plan) -> Self
    static func staticConfiguration(_ plan: Plan) -> Self
    static func quorumSecurity(_ plan: Plan) -> Self
    static func sessionLimits(_ plan: Plan) -> Self
    static func observerSync(_ plan: Plan) -> Self
    static func durableWrites(_ plan: Plan) -> Self
    static func maxBuffer(_ plan: Plan) -> Self
    static func seeds(_ plan: Plan) -> Self
    static func destinationIDs(_ plan: Plan) -> Self
    static func serverIDs(_ plan: Plan) -> Self
    static func epochs(_ plan: Plan) -> Self
    static func dataDirectories(_ plan: Plan) -> Self
    static func zookeeperVersion(_ plan: Plan) -> Self
    static func knownFaults(_ plan: Plan) -> Self
    static func versionPair(_ plan: Plan) -> Self
    static func readableData(_ plan: Plan) -> Self
    static func sourceEnsemble(_ plan: Plan) -> Self
    static func zxidHeadroom(_ plan: Plan) -> Self
    static func fourLetterWords(_ plan: Plan) -> Self
    static func writeCanary(_ plan: Plan) -> Self
    static func peerAddresses(_ plan: Plan) -> Self
    static func destinationStopped(_ plan: Plan) -> Self
    static func destinationData(_ plan: Plan) -> Self
    static func destinationNetwork(_ plan: Plan) -> Self
    static func crossingPaths(_ plan: Plan) -> Self
    static func firewallBackend(_ plan: Plan) -> Self
    static func leftoverRules(_ plan: Plan) -> Self
    static func ruleManagers(_ plan: Plan) -> Self
    static func configurationManagers(_ plan: Plan) -> Self
    static func bootHold(_ plan: Plan) -> Self
    static func brokers(_ kafka: Kafka) -> Self
    static func connectStrings(_ kafka: Kafka) -> Self
    static func clusterID(_ kafka: Kafka) -> Self
    static func sessionTimeouts(_ plan: Plan) -> Self
    static func kafkaWhole(_ kafka: Kafka) -> Self
    static func movedClients(_ clients: Clients) -> Self
}

extension CheckCatalog {
    /// Nil for a check of brokers, or of other clients, when the plan has none.
    package static func named(_ name: CheckName, of plan: Plan, kafka: Kafka?, clients: Clients?) -> Self? {
        switch name {
        case .planFile: planFile(plan)
        case .agents: agents(plan)
        case .serverProcesses: serverProcesses(plan)
        case .clocks: clocks(plan)
        case .certificates: certificates(plan)
        case .credentialFiles: credentialFiles(plan)
        case .revocationList: revocationList(plan)
        case .configurationFiles: configurationFiles(plan)
        case .serverParser: serverParser(plan)
        case .agentReach: agentReach(plan)
        case .configPaths: configPaths(plan)
        case .staticConfiguration: staticConfiguration(plan)
        case .quorumSecurity: quorumSecurity(plan)
        case .sessionLimits: sessionLimits(plan)
        case .observerSync: observerSync(plan)
        case .durableWrites: durableWrites(plan)
        case .maxBuffer: maxBuffer(plan)
        case .seeds: seeds(plan)
        case .destinationIDs: destinationIDs(plan)
        case .serverIDs: serverIDs(plan)
        case .epochs: epochs(plan)
        case .dataDirectories: dataDirectories(plan)
        case .zookeeperVersion: zookeeperVersion(plan)
        case .knownFaults: knownFaults(plan)
        case .versionPair: versionPair(plan)
        case .readableData: readableData(plan)
        case .sourceEnsemble: sourceEnsemble(plan)
        case .zxidHeadroom: zxidHeadroom(plan)
        case .fourLetterWords: fourLetterWords(plan)
        case .writeCanary: writeCanary(plan)
        case .peerAddresses: peerAddresses(plan)
        case .destinationStopped: destinationStopped(plan)
        case .destinationData: destinationData(plan)
        case .destinationNetwork: destinationNetwork(plan)
        case .crossingPaths: crossingPaths(plan)
        case .firewallBackend: firewallBackend(plan)
        case .leftoverRules: leftoverRules(plan)
        case .ruleManagers: ruleManagers(plan)
        case .configurationManagers: configurationManagers(plan)
        case .bootHold: bootHold(plan)
        case .brokers: kafka.map(brokers)
        case .connectStrings: kafka.map(connectStrings)
        case .clusterID: kafka.map(clusterID)
        // At first nobody else is known to move.
        case .sessionTimeouts: kafka == nil && clients == nil ? nil : sessionTimeouts(plan)
        case .kafkaWhole: kafka.map(kafkaWhole)
        case .movedClients: clients.map(movedClients)
        }
    }
}
