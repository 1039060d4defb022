/// Where a connection is between one request and the next, and so what it is waited for.
struct RequestClock: Hashable {
    enum Phase: Hashable {
        case idle
        /// The first byte of a request is there, its headers are not.
        case head
        case body
        /// The answer came before the body's end.
        case farewell
        /// The agent has the next word.
        case answering
    }

    private(set) var phase = Phase.idle

    mutating func bytesCame() { if phase == .idle { phase = .head } }

    mutating func headEnded() {
        switch phase {
        case .idle, .head: phase = .body
        case .body, .farewell, .answering: break
        }
    }

    mutating func requestEnded() {
        switch phase {
        case .body: phase = .answering
        case .farewell: phase = .idle
        case .idle, .head, .answering: break
        }
    }

    mutating func answerEnded() {
        switch phase {
        case .body: phase = .farewell
        case .answering: phase = .idle
        case .idle, .head, .farewell: break
        }
    }
}
