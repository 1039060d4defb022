import Topology

/// Every check of the preflight by name, in the order in which they are shown; a waiver names one of them.
///
/// A case more breaks the build until the procedure has the check, and docs/plan-file.md is compared by a test.
package enum CheckName: String, Hashable, Sendable, Codable, CaseIterable, CustomStringConvertible {
    case planFile = "plan-file"
    case agents
    case serverProcesses = "server-processes"
    case clocks
    case certificates
    case configurationFiles = "configuration-files"
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
    case sourceEnsemble = "source-ensemble"
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
    case brokers
    case connectStrings = "connect-strings"
    case clusterID = "cluster-id"
    case sessionTimeouts = "session-timeouts"
    case kafkaWhole = "kafka-whole"

    package var description: String { rawValue }

    /// Rows of the trap table in docs/procedure.md that it looks for.
    package var traps: [Int] {
        switch self {
        case .planFile, .agents, .configurationFiles, .brokers: []
        case .zookeeperVersion: [1]
        case .seeds, .sourceEnsemble, .destinationStopped: [2]
        case .destinationData, .serverIDs, .epochs: [3]
        case .observerSync: [4]
        case .destinationIDs: [5]
        case .staticConfiguration: [6]
        case .fourLetterWords: [7]
        case .writeCanary: [8]
        case .dataDirectories: [9]
        case .sessionTimeouts: [10]
        case .sessionLimits: [11]
        case .connectStrings: [12]
        case .clusterID: [13]
        case .maxBuffer: [14]
        case .configPaths: [15]
        case .firewallBackend, .leftoverRules: [16]
        case .ruleManagers: [17]
        case .quorumSecurity: [18]
        case .clocks, .certificates: [19]
        case .kafkaWhole: [20]
        case .serverProcesses, .durableWrites: [21]
        case .destinationNetwork: [22]
        case .crossingPaths, .peerAddresses: [23]
        }
    }

    /// Why no reason of an operator's can do without this check; nil when one can.
    package var obstacle: String? {
        switch self {
        case .clocks, .certificates, .quorumSecurity, .sessionLimits, .durableWrites, .dataDirectories,
            .zookeeperVersion, .destinationNetwork, .ruleManagers, .connectStrings, .sessionTimeouts:
            nil
        case .planFile: "without a plan there is nothing to do"
        case .agents: "every step needs every agent"
        case .serverProcesses: "a server that the agent cannot look into cannot be detached without loss"
        case .configurationFiles, .configPaths, .staticConfiguration:
            "the files are what the division changes and puts back"
        case .observerSync: "observers without data on disk would lose everything at the division"
        case .maxBuffer, .writeCanary, .crossingPaths, .peerAddresses, .kafkaWhole:
            "a later step looks for the same and would stop the run there"
        case .seeds: "other seeds could outvote the source, or elect a leader without the newest write"
        case .destinationIDs: "lower ids cannot keep election connections open"
        case .serverIDs, .epochs, .destinationData: "the ensemble would be mixed with another history"
        case .sourceEnsemble, .destinationStopped: "there must be exactly one ensemble to begin from"
        case .fourLetterWords: "roles and transactions are read with `srvr` throughout"
        case .firewallBackend: "there is no division without a wall"
        case .leftoverRules: "`mitosis rules clean` removes them at once"
        case .brokers, .clusterID: "another cluster could be repointed"
        }
    }
}

extension PlanFault {
    /// The check that a mistake in a plan file belongs to.
    package var check: CheckName {
        switch self {
        case .unknownSeed, .seedsWithObservers: .seeds
        case .selection(let error):
            switch error {
            case .notInDestination, .repeatedSeed, .tooFewSeeds, .outvotesSource, .moreThanMajority: .seeds
            case .lowDestinationID: .destinationIDs
            case .tooSmall, .even, .repeatedID: .planFile
            }
        case .format, .unsupportedVersion, .notOneOf, .badName, .badService, .relativePath, .badAddress,
            .unusableAddress, .nameWithoutAddresses, .duplicateID, .duplicateHost, .hostOnBothSides,
            .duplicateAddress, .portUsedTwice, .agentPortBehindWall, .badChroot, .unsupportedBatch,
            .duplicateBroker, .brokerOnServerHost, .noBrokers, .unknownCheck, .unwaivableCheck,
            .repeatedWaiver, .waiverWithoutReason:
            .planFile
        }
    }
}
