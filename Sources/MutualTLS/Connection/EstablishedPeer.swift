package import FoundationEssentials

/// The verified peer of a connection.
package struct EstablishedPeer: Hashable, Sendable {
    package let identity: PeerIdentity
    /// Lower-case hexadecimal.
    package let serial: String
    package let notAfter: Date
}

/// Fired through the pipeline by `MutualTLSHandler`.
package enum MutualTLSEvent: Hashable, Sendable {
    /// The handshake is complete and this is who stands at the other end.
    case established(EstablishedPeer)
}
