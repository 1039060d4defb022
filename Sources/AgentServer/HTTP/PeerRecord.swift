import MutualTLS
import Synchronization

/// Carries the verified peer from a connection's pipeline to the task that serves it.
final class PeerRecord: Sendable {
    private let peer = Mutex<EstablishedPeer?>(nil)

    func note(_ established: EstablishedPeer) { peer.withLock { $0 = established } }

    /// Nil before the handshake is over.
    func standing(judgedBy context: TLSContext, now current: TLSContext) -> ConnectionStanding? {
        guard let peer = peer.withLock({ $0 }) else { return nil }
        return ConnectionStanding(notAfter: peer.notAfter, isJudgedByCurrentFiles: context === current)
    }

    /// Nil before the handshake is over.
    func caller(at address: String, in domain: TrustDomain) -> Caller? {
        guard let peer = peer.withLock({ $0 }) else { return nil }
        let role: Caller.Role =
            switch peer.identity {
            case .coordinator: .coordinator
            case .viewer: .viewer
            case .agent: .agent
            }
        return Caller(
            role: role,
            name: peer.identity.name.description,
            identity: peer.identity.uri(in: domain),
            serial: peer.serial,
            peer: address
        )
    }
}
