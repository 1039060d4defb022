import ControlProtocol
import Settings
import Topology

/// The preflight, on one page: every check of a plan, in the order in which they are shown.
///
/// What each sees and says stands in the files of checks; docs/plan-file.md lists them for operators.
extension MigrationProcedure {
    package var checks: [Check] { CheckName.allCases.compactMap(check) }

    private func check(_ name: CheckName) -> Check? {
        switch name {
        case .planFile: planIsRead
        case .agents: agentsAnswer
        case .serverProcesses: processesAreSeen
        case .clocks: clocksAgree
        case .certificates: certificatesLast
        case .configurationFiles: filesSuit
        case .configPaths: pathsAgree
        case .staticConfiguration: viewsAreStatic
        case .quorumSecurity: quorumIsPlain
        case .sessionLimits: limitsAreAsWide
        case .observerSync: observersKeepData
        case .durableWrites: writesAreDurable
        case .maxBuffer: buffersAreAlike
        case .seeds: seedsSuit
        case .destinationIDs: idsAreAbove
        case .serverIDs: idsAreInPlace
        case .epochs: epochsAreInOrder
        case .dataDirectories: dataIsReadable
        case .zookeeperVersion: versionCanGrow
        case .sourceEnsemble: sourceIsWhole
        case .fourLetterWords: wordsAreAllowed
        case .writeCanary: sourceCommits
        case .peerAddresses: peersArePlanned
        case .destinationStopped: destinationIsStopped
        case .destinationData: destinationIsEmpty
        case .destinationNetwork: destinationConnects
        case .crossingPaths: sidesConnect
        case .firewallBackend: wallsAreTaken
        case .leftoverRules: noRulesAreLeft
        case .ruleManagers: nobodyElseManagesRules
        case .brokers: kafka?.brokersSuit
        case .connectStrings: kafka?.stringsNameSeveral
        case .clusterID: kafka?.clusterIsTheOneMeant
        case .sessionTimeouts: kafka?.sessionsFit
        case .kafkaWhole: kafka?.isWhole
        }
    }

    private var planIsRead: Check {
        Check(
            .planFile,
            "the plan file can be used",
            remedy: "Correct the plan file; docs/plan-file.md describes it",
            looking: Look()
        ) { [plan] _, _ in
            .holds(
                observed:
                    "\(plan.strategy.rawValue), \(plan.source.count) + \(plan.destination.count) servers"
                    + (plan.brokers.isEmpty ? "" : ", \(plan.brokers.count) brokers")
            )
        }
    }
}

/// What checks see of hosts.
extension MigrationProcedure {
    typealias Seen = (server: PlannedServer, zookeeper: ZooKeeperStatus)

    /// Servers whose agents answered; the others are for `agents` to tell.
    static func seen(_ servers: [PlannedServer], _ fleet: FleetView) -> [Seen] {
        servers.compactMap { server in fleet.zookeeper(server.host).map { (server, $0) } }
    }

    /// Those of them that use the plan's file; of others it is not known which directories and ports they use.
    static func onPlan(_ servers: [PlannedServer], _ fleet: FleetView) -> [Seen] {
        seen(servers, fleet).filter { $0.zookeeper.configPath == $0.server.configPath }
    }

    static func running(_ servers: [PlannedServer], _ fleet: FleetView) -> [Seen] {
        onPlan(servers, fleet).filter { $0.zookeeper.pid != nil }
    }

    /// As ZooKeeper would read it; nil for a file that `configuration-files` refuses.
    func configuration(of server: PlannedServer) -> ZooConfiguration? {
        guard let file = survey.file(of: server.host) else { return nil }
        do throws(ZooConfigurationError) { return try ZooConfiguration(file.content) } catch { return nil }
    }

    var configurations: [(server: PlannedServer, file: ZooConfiguration)] {
        plan.servers.compactMap { server in configuration(of: server).map { (server, $0) } }
    }
}
