import NIOCore
import Synchronization
import Topology

/// The connections that there are, each under a number, and their places.
final class ConnectionBook: Sendable {
    enum Verdict {
        case taken
        case takenInPlace(of: any Channel)
        case refused(reason: String)
    }

    private struct State {
        var places: ConnectionPlaces
        var channels: [Int: any Channel] = [:]
        var last = 0
    }

    private let state: Mutex<State>

    init(limits: AgentListener.Limits) {
        state = Mutex(State(places: ConnectionPlaces(limits: limits)))
    }

    /// - Returns: its number, and who must go.
    func arrive(_ channel: any Channel) -> (id: Int, displaced: (any Channel)?) {
        let source = Self.source(of: channel)
        return state.withLock { state in
            state.last += 1
            let victim = state.places.arrive(state.last, from: source)
            state.channels[state.last] = channel
            return (state.last, victim.flatMap { state.channels[$0] })
        }
    }

    func greet(_ id: Int) -> (any Channel)? {
        state.withLock { state in state.places.greet(id).flatMap { state.channels[$0] } }
    }

    func establish(_ id: Int, for holder: ConnectionPlaces.Holder) -> Verdict {
        state.withLock { state in
            switch state.places.establish(id, for: holder) {
            case .taken: .taken
            case .takenInPlace(let victim):
                state.channels[victim].map { .takenInPlace(of: $0) } ?? .taken
            case .refused(let reason): .refused(reason: reason)
            }
        }
    }

    func note(_ id: Int, isBusy: Bool) { state.withLock { $0.places.note(id, isBusy: isBusy) } }

    func forget(_ id: Int) {
        state.withLock { state in
            state.places.leave(id)
            state.channels[id] = nil
        }
    }

    /// For the listener's end.
    func closeAll() {
        let left = state.withLock { state in Array(state.channels.values) }
        for channel in left { Self.abort(channel) }
    }

    /// Without a last word: nothing is waited for, and the descriptor is free at once.
    static func abort(_ channel: any Channel) {
        channel.triggerUserOutboundEvent(Doorstep.Abort(), promise: nil)
    }

    /// An address that one peer can have many of counts as one.
    private static func source(of channel: any Channel) -> String {
        guard let text = channel.remoteAddress?.ipAddress else { return "unknown" }
        return IPAddress(text).map(source) ?? text
    }

    static func source(of address: IPAddress) -> String {
        let bytes = address.bytes
        guard bytes.count == 16 else { return address.description }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return (isMapped ? bytes[12...] : bytes[..<8]).map(String.init).joined(separator: ".")
    }
}
