import NIOCore
import Synchronization

/// Which connections there are.
///
/// Those of peers that are not known yet are counted apart and take no place from the
/// others: anybody can open them.
final class ConnectionBook: Sendable {
    enum Verdict {
        case admitted
        /// The oldest unfinished handshake makes room, and is for the caller to close.
        case admittedInPlace(of: any Channel)
        case refused(reason: String)
    }

    private struct Handshake {
        let channel: any Channel
        let source: String
    }

    private struct State {
        var established: Set<ObjectIdentifier> = []
        /// Oldest first.
        var handshakes: [Handshake] = []
    }

    private let limits: AgentListener.Limits
    private let state = Mutex(State())

    init(limits: AgentListener.Limits) { self.limits = limits }

    func admit(_ channel: any Channel, from source: String) -> Verdict {
        state.withLock { state in
            guard state.established.count < limits.connections else {
                return .refused(reason: "too many connections: \(limits.connections)")
            }
            guard state.handshakes.count(where: { $0.source == source }) < limits.handshakesPerSource else {
                return .refused(
                    reason: "too many connections of this address without a certificate yet: "
                        + "\(limits.handshakesPerSource)"
                )
            }
            var oldest: (any Channel)?
            if state.handshakes.count >= limits.handshakes, !state.handshakes.isEmpty {
                oldest = state.handshakes.removeFirst().channel
            }
            state.handshakes.append(Handshake(channel: channel, source: source))
            return oldest.map { .admittedInPlace(of: $0) } ?? .admitted
        }
    }

    /// False when there are too many already.
    func establish(_ channel: any Channel) -> Bool {
        state.withLock { state in
            state.handshakes.removeAll { $0.channel === channel }
            guard state.established.count < limits.connections else { return false }
            state.established.insert(ObjectIdentifier(channel))
            return true
        }
    }

    /// For the listener's end.
    func closeUnfinished() {
        let left = state.withLock { state in state.handshakes.map(\.channel) }
        for channel in left { channel.close(promise: nil) }
    }

    func forget(_ channel: any Channel) {
        state.withLock { state in
            state.handshakes.removeAll { $0.channel === channel }
            state.established.remove(ObjectIdentifier(channel))
        }
    }
}
