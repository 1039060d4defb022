/// Why a connection, or a request, was not served: a label of two metrics.
package enum DropCause: String, Hashable, Sendable, CaseIterable {
    /// Connections.
    case silent
    case handshake
    /// They had to make room.
    case forViewer = "for_viewer"
    case forCoordinator = "for_coordinator"
    case viewers
    case slowHandshake = "slow_handshake"
    case slowHead = "slow_head"
    case slowBody = "slow_body"
    case unreadAnswer = "unread_answer"
    case pipelined
    /// Requests.
    case pace
    case bodies
    case queue
    case abandoned
    case overtaken

    package var isOfRequest: Bool {
        switch self {
        case .silent, .handshake, .forViewer, .forCoordinator, .viewers, .slowHandshake,
            .slowHead,
            .slowBody, .unreadAnswer, .pipelined:
            false
        case .pace, .bodies, .queue, .abandoned, .overtaken: true
        }
    }
}
