package import Logging
package import Topology
package import ZooKeeperClient

/// Proves by behaviour that a server goes by its ACLs, with two nodes of its own that end with their session.
package struct ServerProbe: Sendable {
    private static let patience = Duration.seconds(15)

    private let name: String
    private let connect: ConnectString
    private let log: Logger

    /// Nil for a server that no connect string can name.
    package init?(_ server: ConnectString.Server, named name: String, log: Logger) {
        guard let connect = ConnectString(server.description) else { return nil }
        self.name = name
        self.connect = connect
        self.log = log
    }

    /// The seal's identity as the server shows it.
    ///
    /// Learnt from the server: which digest it makes of a password is a setting of its own.
    package func digest(
        of identity: SealIdentity,
        credentials: [Credentials]
    ) async throws(TreesError) -> String {
        let answer: Result<String, TreesError>
        do throws(ZooKeeperError) {
            let ours = try await session(credentials + [identity.credentials])
            let result = await probe(ours)
            await ours.close()
            answer = try result.get()
        } catch {
            throw .notProbed(server: name, error)
        }
        return try answer.get()
    }

    private func session(_ credentials: [Credentials]) async throws(ZooKeeperError) -> ZooKeeperSession {
        var options = SessionOptions()
        options.credentials = credentials
        return try await ZooKeeperSession.connect(
            connect,
            timeout: Self.patience,
            options: options,
            log: log
        )
    }

    private func probe(
        _ ours: ZooKeeperSession
    ) async -> Result<Result<String, TreesError>, ZooKeeperError> {
        do throws(ZooKeeperError) {
            let root = "/mitosis-seal-probe-\(UInt64.random(in: .min ... .max))"
            // A digest that no password is known for.
            let nobodys = AccessList.Entry(
                scheme: "digest",
                identity: "mitosis-nobody:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                permissions: .all
            )
            let closed = try await ours.create(
                root + "-closed",
                mode: .ephemeral,
                access: AccessList([nobodys])
            )
            if try await reads(closed, ours) {
                let anybody = try await session([])
                let isOpen: Result<Bool, ZooKeeperError> = await result { () throws(ZooKeeperError) in
                    try await anybody.sync("/")
                    return try await reads(closed, anybody)
                }
                await anybody.close()
                return .success(
                    .failure(try isOpen.get() ? .skipsAccessLists(server: name) : .superUser(server: name))
                )
            }
            let own = try await ours.create(root + "-own", mode: .ephemeral, access: .creatorAll)
            let entry = try await ours.access(own).entries
                .first { $0.scheme == "digest" && $0.identity.hasPrefix(SealIdentity.user + ":") }
            guard let entry else { throw ZooKeeperError.invalidACL(own) }
            return .success(.success(entry.identity))
        } catch {
            return .failure(error)
        }
    }

    private func reads(_ path: String, _ session: ZooKeeperSession) async throws(ZooKeeperError) -> Bool {
        do throws(ZooKeeperError) {
            _ = try await session.get(path)
            return true
        } catch {
            if case .noAuth = error { return false }
            throw error
        }
    }

    private func result<Value>(
        _ body: () async throws(ZooKeeperError) -> Value
    ) async -> Result<Value, ZooKeeperError> {
        do throws(ZooKeeperError) { return .success(try await body()) } catch { return .failure(error) }
    }
}
