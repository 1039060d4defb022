import ControlProtocol
import FoundationEssentials
import Settings
import Topology

/// A Kafka broker, as its host's agent and its file tell.
struct SeenBroker {
    let known: InventoryHost
    let configPath: String
    /// Where it finds ZooKeeper: by its command line, if that says so, else by its file.
    let connect: ConnectString
    /// Nil when neither file, command line nor disk tells.
    let id: BrokerID?
    /// Nil when several could be meant.
    let service: String?
    /// Whether it shares its host with a ZooKeeper.
    let isWithServer: Bool

    var host: HostName { known.host }

    func uses(_ ensemble: SeenEnsemble) -> Bool {
        connect.servers.contains { ensemble.answers(to: $0.host) }
    }
}

/// What is found on a host that may have a broker.
enum BrokerLook {
    case none
    case broker(SeenBroker)
    /// A file that names ZooKeeper, and nothing that makes it a broker's.
    case client(path: String)
    /// Somebody has to say what is meant.
    case unclear(String)

    static let meta = "/meta.properties"

    init(_ host: Sighting.Host) {
        guard let status = host.status else {
            self = .none
            return
        }
        let settings = host.known.settings
        let isTold = settings.role == .kafka
        let files = host.files.filter { file in
            guard file.path.hasSuffix(".properties"), !file.path.hasSuffix(Self.meta) else {
                return isTold && file.path == settings.config
            }
            return !isTold || settings.config == nil || settings.config == file.path
        }
        var found: [(path: String, properties: ServerProperties)] = []
        var faults: [String] = []
        for file in files {
            switch Self.properties(file) {
            case .success(let properties): found.append((file.path, properties))
            case .failure(let fault): if let reason = fault.reason { faults.append("\(file.path) \(reason)") }
            }
        }
        guard found.count <= 1 else {
            self = .unclear(
                "\(host.known.host) has several files of brokers (\(found.map(\.path).listed())): which of them moves? "
                    + "A host is one broker's; say which by 'config' in the inventory"
            )
            return
        }
        guard let (path, properties) = found.first else {
            self =
                isTold || !faults.isEmpty
                ? .unclear(
                    "\(host.known.host): "
                        + (faults.first
                            ?? "the inventory says kafka, and its agent lists no server.properties")
                ) : .none
            return
        }
        // The one that says nothing of a broker may be a client's beside the broker's, which could not be read.
        if let fault = faults.first, properties.brokerID == nil {
            self = .unclear(
                "\(host.known.host): \(path) names a ZooKeeper and no broker.id, and \(fault): which of the two is the "
                    + "broker's? Say it by 'config' in the inventory"
            )
            return
        }
        let overrides = status.services.compactMap(\.overrides).first ?? [:]
        guard let connect = Self.connect(properties, overrides) else {
            self = .unclear(
                "\(host.known.host): its broker's command line sets zookeeper.connect to something unreadable"
            )
            return
        }
        let metas = host.files.filter { $0.path.hasSuffix(Self.meta) }
        let id =
            overrides[ToldProperties.brokerID].flatMap { BrokerID($0) } ?? properties.brokerID
            ?? metas.compactMap(Self.id).first
        let isBroker = isTold || id != nil || status.services.contains { $0.overrides != nil }
        guard isBroker else {
            self = .client(path: path)
            return
        }
        self = .broker(
            SeenBroker(
                known: host.known,
                configPath: path,
                connect: connect,
                id: id,
                service: Self.service(status, told: isTold ? settings.service : nil),
                isWithServer: status.zookeeper != nil
            )
        )
    }

    private struct Unusable: Error {
        /// Nil of a file that is no broker's.
        let reason: String?
    }

    private static func properties(_ file: Sighting.File) -> Result<ServerProperties, Unusable> {
        switch file.outcome {
        case .absent: return .failure(Unusable(reason: nil))
        case .unread(let reason): return .failure(Unusable(reason: "cannot be read: \(reason)"))
        case .content(let content):
            do throws(KafkaFileError) {
                return .success(try ServerProperties(content))
            } catch {
                switch error {
                case .missing, .withoutZooKeeper: return .failure(Unusable(reason: nil))
                case .unreadable, .malformedValue, .chrootInTheMiddle, .notRepresentable:
                    return .failure(Unusable(reason: "cannot be used: \(error)"))
                }
            }
        }
    }

    private static func connect(_ properties: ServerProperties, _ overrides: [String: String])
        -> ConnectString?
    {
        guard let told = overrides[ServerProperties.connectKey] else { return properties.zookeeperConnect }
        return ConnectString(told)
    }

    private static func id(_ file: Sighting.File) -> BrokerID? {
        guard case .content(let content) = file.outcome else { return nil }
        do throws(KafkaFileError) { return try KafkaMeta(content).brokerID } catch { return nil }
    }

    /// The one that runs as a broker, else the only one.
    private static func service(_ status: HostStatus, told: String?) -> String? {
        if let told { return told }
        let brokers = status.services.filter { $0.overrides != nil }
        if brokers.count == 1 { return brokers[0].name }
        return status.services.count == 1 ? status.services[0].name : nil
    }
}
