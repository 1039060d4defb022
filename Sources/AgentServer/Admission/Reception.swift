import Logging
import Logs
import MutualTLS
import NIOCore
import Topology

/// What every new connection of a listener is received with.
struct Reception: Sendable {
    let limits: AgentListener.Limits
    let tls: ReloadingTLSContext
    let domain: TrustDomain
    let counters: AgentCounters
    let refusals: RefusalLog
    let book: ConnectionBook
    let tasks: ServingTasks
    let connections: ConnectionServer

    /// The first handlers of a connection that was just accepted.
    func receive(_ channel: any Channel) throws {
        let address = channel.remoteAddress.map(Self.text) ?? "unknown"
        let source = channel.remoteAddress?.ipAddress ?? "unknown"
        let (id, displaced) = book.arrive(channel)
        counters.openConnection()
        channel.closeFuture.whenComplete { _ in
            book.forget(id)
            counters.closeConnection()
        }
        if let displaced {
            drop(displaced, .silent, "it is the oldest of too many that say nothing: \(limits.silent)")
        }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(BackPressureHandler())
        try pipeline.addHandler(Doorstep(id: id, address: address, source: source, reception: self))
    }

    /// Ends it without a last word.
    func drop(_ channel: any Channel, _ cause: DropCause, _ reason: String) {
        note(
            cause,
            reason,
            at: channel.remoteAddress.map(Self.text) ?? "unknown",
            source: channel.remoteAddress?.ipAddress ?? "unknown"
        )
        ConnectionBook.abort(channel)
    }

    func note(_ cause: DropCause, _ reason: String, at address: String, source: String) {
        counters.count(cause)
        refusals.warning(
            "connection closed",
            key: "\(cause.rawValue) \(source)",
            fields: ["peer": address, "reason": reason]
        )
    }

    static func text(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "unknown"
        let port = address.port.map(String.init) ?? "?"
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
