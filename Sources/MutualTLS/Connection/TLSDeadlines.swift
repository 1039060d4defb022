package import NIOCore

/// Absolute deadlines; a peer that drips bytes gains nothing.
package struct TLSDeadlines: Hashable, Sendable {
    package var handshake: TimeAmount
    /// For writing out what was already flushed when the channel is closed.
    package var flushing: TimeAmount
    /// For the peer to take our last words before the socket goes away: a reset could overtake them.
    package var lingering: TimeAmount

    package init(
        handshake: TimeAmount = .seconds(10),
        flushing: TimeAmount = .seconds(10),
        lingering: TimeAmount = .seconds(1)
    ) {
        self.handshake = handshake
        self.flushing = flushing
        self.lingering = lingering
    }
}
