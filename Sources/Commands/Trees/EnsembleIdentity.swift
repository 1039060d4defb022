import ControlProtocol
import FoundationEssentials
import Procedure
import Settings
import SystemCalls
import Topology
import ZooKeeperClient

/// Whether servers are those of the plan: the ids and addresses of the view that each runs with, as it shows them to clients.
struct EnsembleIdentity {
    private static let view = "/zookeeper/config"

    private let servers: [PlannedServer]
    private let plan: MigrationPlan
    private let credentials: [Credentials]
    private let logging: LogOptions

    init(
        _ servers: [PlannedServer],
        of plan: MigrationPlan,
        _ credentials: [Credentials],
        _ logging: LogOptions
    ) {
        self.servers = servers
        self.plan = plan
        self.credentials = credentials
        self.logging = logging
    }

    /// - Parameter mayBeUnknown: for servers that show no view (before 3.5), where something else proves them.
    func prove(mayBeUnknown: Bool) async throws {
        for server in servers {
            guard let connect = [server].connectString else {
                throw Complaint("\(plan.file): no client can be given the address of \(server.host)")
            }
            var options = ZooKeeperClient.SessionOptions()
            options.credentials = credentials
            let session = try await ZooKeeperSession.connect(connect, options: options, log: logging.logger)
            let view = await view(session)
            await session.close()
            try check(try view.get(), server, mayBeUnknown)
        }
    }

    private func view(_ session: ZooKeeperSession) async -> Result<ZooKeeperNode?, ZooKeeperError> {
        do throws(ZooKeeperError) { return .success(try await session.get(Self.view)) } catch {
            if case .noNode = error { return .success(nil) }
            return .failure(error)
        }
    }

    private func check(_ view: ZooKeeperNode?, _ server: PlannedServer, _ mayBeUnknown: Bool) throws {
        let members: [Member]
        do throws(ZooConfigurationError) {
            members = try ZooConfiguration(view.map { Array($0.data) } ?? []).members
        } catch {
            throw Complaint("\(Self.view) of \(server.host): \(error). Nothing was changed")
        }
        if members.isEmpty, mayBeUnknown { return }
        let (shown, planned) = (Set(members.map(Self.text)), Set(servers.map { Self.text($0.member) }))
        guard shown == planned else {
            throw Complaint(
                "\(server.host) is not a server of the ensemble that the plan means, or shows no view: it has "
                    + "\(shown.isEmpty ? "none" : shown.sorted().joined(separator: ", ")), the plan has "
                    + "\(planned.sorted().joined(separator: ", ")). Nothing was changed"
            )
        }
    }

    private static func text(_ member: Member) -> String {
        "\(member.id) at \(member.address):\(member.quorumPort):\(member.electionPort)"
    }
}
