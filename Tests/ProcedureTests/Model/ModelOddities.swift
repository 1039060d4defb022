import ControlProtocol
import FoundationEssentials
import Topology

/// What is odd about a host of the model, as its agent would tell it.
struct ModelOddities {
    var isSilent = false
    /// Its disk takes no order that is to stand for good.
    var refusesCommitment = false
    var protocolVersion = ControlProtocolVersion.current
    var hasNoZooKeeper = false
    var service: String?
    var configPath: String?
    var state: ServiceState?
    var version = ServerVersion(3, 8, 0)
    var parserObstacle: String?
    /// Why its agent does not answer that question.
    var parserFailure: String?
    /// What its own parser says of the file as it is, and as it will be rewritten.
    var parserRefusals: [String] = []
    /// Its whitelist leaves `srvr` out.
    var isSilenced = false
    var role: ServerStats.Role?
    /// While it does not serve, it listens for followers as a leader does.
    var leadsInVain = false
    var syncedFollowers: Int?
    /// The view of its process; `.some(nil)` when it is not known.
    var runningView: [Member]??
    var hidesProcess = false
    var hasOwnNetwork = false
    /// `.some(nil)` when there is none.
    var myid: Int??
    var acceptedEpoch: Int64?
    var currentEpoch: Int64?
    var problems: [String] = []
    /// It has logs and no snapshot.
    var isYoung = false
    /// What its log lacks.
    var missing: [ZxidRange] = []
    var diskFree: UInt64 = 10 << 30
    var dataSize: UInt64 = 10 << 20
    /// Further addresses that it is connected to.
    var strangers: [IPAddress] = []
    var hidesSockets = false
    var managers: [RuleManager] = []
    var configurationManagers: [RuleManager] = []
    var reach: [PathReach]? = []
    var boot: UnitBoot?
    var order: OrderState?
    var skew: Int64 = 0
    /// Milliseconds more that its server takes from its start until it serves.
    var slowness: Int64 = 0
    var credentials: CredentialExpiry?
    var unreadableRules: String?
    var leftRules = 0
    /// Why its backend does not take a wall.
    var previewRefusal: String?
    /// Answers to attempts of this host's agent, by target, in place of what the model would answer.
    var answers: [ProbeTarget: ProbeResult.Answer] = [:]
    var probeRefusal: String?
    /// Addresses that its agent does not probe; empty for all, when there is a refusal.
    var refusedAddresses: [IPAddress] = []
}

extension ModelEnsemble {
    mutating func make(_ host: String, _ change: (inout ModelOddities) -> Void) {
        guard let name = HostName(host) else { return }
        change(&oddities[name, default: ModelOddities()])
    }

    func odd(_ name: HostName) -> ModelOddities { oddities[name] ?? ModelOddities() }

    /// Replaces text in a server's configuration file.
    mutating func edit(_ host: String, _ old: String, _ new: String) {
        guard let name = HostName(host), let file = hosts[name]?.file else { return }
        hosts[name]?.file = Data(String(decoding: file, as: UTF8.self).replacing(old, with: new).utf8)
    }

    /// Replaces text in a broker's file.
    mutating func editBroker(_ host: String, _ old: String, _ new: String) {
        guard let name = HostName(host), let file = brokers.brokers[name]?.file else { return }
        let text = String(decoding: file, as: UTF8.self).replacing(old, with: new)
        brokers.brokers[name]?.file = Data(text.utf8)
    }

    /// Has a broker started with `--override key=value`.
    mutating func override(_ host: String, _ key: String, _ value: String) {
        guard let name = HostName(host) else { return }
        brokers.commandLines[name, default: [:]][key] = value
    }
}
