import ControlProtocol
import SystemCalls
import Topology

/// A look at who is connected to a running server.
struct ClientLook: Sendable {
    /// For the whole answer to `cons`, which walks every connection.
    private static let patience = Duration.seconds(2)
    /// Bytes of it: about 40,000 connections.
    private static let most = 8 << 20

    let process: ProcessIdentity
    /// What the server's file says; nil when it cannot be used.
    let configuration: ZooConfiguration?
    let problem: String?
    /// Where it answers its clients in plain text.
    let endpoint: ServerFacts.Endpoint?

    /// Blocks for as long as `cons` may take.
    func report(_ request: ClientsRequest) -> ClientsReport {
        switch ports() {
        case .failure(let unknown):
            return Self.unknown(unknown.reason)
        case .success(let ports):
            let listing = request.sessions ? listing() : nil
            // Last: whoever has come meanwhile is among them.
            let connections = ClientConnections.read(ports: ports)
            return Self.report(ports, connections, listing, plain: endpoint?.port)
        }
    }

    /// - Parameter plain: the port whose connections `cons` tells of; it is asked there.
    static func report(
        _ ports: Set<Port>,
        _ connections: [ClientsReport.Connections]?,
        _ listing: SessionListing?,
        plain: Port?
    ) -> ClientsReport {
        var sessions: [ClientsReport.Session]?
        var areWhole = false
        var obstacle: String?
        switch listing {
        case .sessions(let found, let whole)?:
            sessions = found
            areWhole = whole
            if !whole { obstacle = "not all of its answer to 'cons' could be read" }
            // Of the secure port's connections it does not tell there.
            if connections?.contains(where: { $0.port != plain }) ?? true {
                areWhole = false
                obstacle = "'cons' tells of port \(plain?.description ?? "-") only"
            }
        case .silent(let reason)?: obstacle = reason
        case nil: break
        }
        return ClientsReport(
            ports: ports.sorted(),
            connections: connections,
            obstacle: connections == nil ? "the kernel's table of connections cannot be read" : nil,
            sessions: sessions,
            sessionsAreWhole: areWhole,
            sessionsObstacle: obstacle
        )
    }

    static func unknown(_ reason: String) -> ClientsReport {
        ClientsReport(ports: [], connections: nil, obstacle: reason)
    }

    private struct Unknown: Error {
        let reason: String
    }

    /// Those of the file, where the process is seen to listen on them: a file may have been changed since the start.
    private func ports() -> Result<Set<Port>, Unknown> {
        guard let configuration else {
            return .failure(Unknown(reason: problem ?? "the server's configuration file is not there"))
        }
        let named = Set([endpoint?.port, configuration.secureClientPort].compactMap { $0 })
        guard !named.isEmpty else {
            return .failure(Unknown(reason: "the configuration file names no client port"))
        }
        // A process that does not let us look is taken at its file's word.
        guard let open = ListeningPorts.of(pid: process.pid) else { return .success(named) }
        // One that is on its way up or down listens to nobody.
        guard open.isEmpty || !named.isDisjoint(with: open) else {
            let list = open.sorted().map(\.description).joined(separator: ", ")
            return .failure(
                Unknown(
                    reason:
                        "the file names client port \(named.sorted().map(\.description).joined(separator: ", ")), the "
                        + "process listens on \(list)"
                )
            )
        }
        return .success(named)
    }

    /// Blocks for as long as `cons` may take.
    func listing() -> SessionListing {
        guard let endpoint else { return .silent(reason: "it has no plain client port to be asked at") }
        let answer = FourLetterWord.ask(
            "cons",
            at: endpoint.address,
            endpoint.port,
            within: Self.patience,
            most: Self.most
        )
        switch answer {
        case .unreachable(let reason): return .silent(reason: reason)
        case .text(let text): return .parse(text, isCut: text.utf8.count >= Self.most)
        }
    }
}
