import ArgumentParser
import ControlProtocol
import Diagnostics
import Settings
import SystemCalls
import Topology
import ZooKeeperClient

/// Which servers a test is of, and how they are asked.
struct ServerOptions: ParsableArguments {
    enum Side: String, ExpressibleByArgument, CaseIterable {
        case source
        case destination
        /// The source and the seeds, as they are between join and division.
        case joint
    }

    @Argument(help: "A zoo.cfg, a plan, or an inventory.", completion: .file()) var file: String?
    @Option(help: ArgumentHelp("The servers, in place of a file's.", valueName: "host:port,..."))
    var servers: String?
    @Option(help: "Of a plan: source, destination, or joint: the source and the seeds.") var side = Side
        .source
    @Option(
        help: ArgumentHelp(
            "Of an inventory: only these hosts, as of every command on hosts; else all whose role is zookeeper.",
            valueName: "hosts"
        )
    )
    var limit: String?
    @Option(help: "The client port where a file does not name it.") var clientPort = 2181
    @Option(help: "Seconds for each answer.") var timeout = 10
    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var logging: LogOptions

    func validate() throws {
        guard (file == nil) != (servers == nil) else { throw ValidationError("give a file, or --servers") }
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout is from 1 to 3600") }
        guard Port(clientPort) != nil else { throw ValidationError("--client-port is from 1 to 65535") }
    }

    /// The servers, and the credentials for them; nothing is contacted.
    func question() throws -> ServerQuestion {
        guard let file else {
            return ServerQuestion(
                servers: try Self.list(servers ?? "", "--servers"),
                credentials: try credentials.read(for: nil)
            )
        }
        if let configuration = try ZooConfigurationFile(reading: file) {
            return ServerQuestion(
                servers: try configuration.servers(clientPort: clientPort),
                credentials: try credentials.read(for: nil)
            )
        }
        let found = try FleetFile.read(path: file, believing: .operator)
        switch found {
        case .plan(let plan):
            let chosen =
                switch side {
                case .source: plan.source
                case .destination: plan.destination
                case .joint: plan.source + plan.seeds
                }
            return ServerQuestion(
                servers: chosen.map { ComparedServer($0) },
                credentials: try credentials.read(for: plan)
            )
        case .inventory(let inventory):
            return ServerQuestion(
                servers: try servers(of: inventory),
                credentials: try credentials.read(for: nil)
            )
        }
    }

    private func servers(of inventory: Inventory) throws -> [ComparedServer] {
        var hosts = inventory.hosts.filter { $0.settings.role == .zookeeper }
        if let limit {
            do throws(HostPattern.Fault) {
                let chosen = try HostPattern(limit).hosts(of: inventory)
                hosts = inventory.hosts.filter { chosen.contains($0.host) }
            } catch {
                throw Complaint("--limit: \(error)")
            }
        }
        guard !hosts.isEmpty, let port = Port(clientPort) else {
            throw Complaint("\(inventory.file): no host whose role is zookeeper; name hosts with --limit")
        }
        return hosts.map {
            ComparedServer(name: $0.host.description, server: .init(host: $0.address, port: port))
        }
    }

    static func list(_ text: String, _ option: String) throws -> [ComparedServer] {
        guard let connect = ConnectString(text), connect.chroot.isEmpty else {
            throw Complaint(
                "\(option): '\(text)' is not a list of servers such as zk1:2181,zk2:2181, without a path"
            )
        }
        return connect.servers.map { ComparedServer($0) }
    }
}

struct ServerQuestion {
    let servers: [ComparedServer]
    let credentials: [Credentials]
}

extension ComparedServer {
    init(_ server: PlannedServer) {
        self.init(
            name: server.host.description,
            server: .init(host: server.address, port: server.clientPort)
        )
    }
}
