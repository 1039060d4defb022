import FoundationEssentials
import Glibc
import SystemCalls
import Topology

/// A connection to a server, made before the question is asked: its local port is known while there is still time to
/// let only this connection through.
///
/// It comes from a reserved port, if it may: no client of another host has that one.
final class PreparedQuestion: Sendable {
    /// Bytes that are read of most answers.
    static let longestAnswer = 1 << 20

    let localPort: Port
    private let descriptor: Int32
    private let place: String

    /// Blocks until the server's host has accepted, or `deadline` has passed.
    ///
    /// Gives the reason when there is no connection.
    static func open(
        at address: IPAddress,
        _ port: Port,
        within deadline: Duration = .seconds(1)
    ) -> Result<PreparedQuestion, NoConnection> {
        let end = ContinuousClock.now + deadline
        let place = address.family == .ipv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        let (opened, begun) = Connection.begin(address, port, fromReserved: true)
        guard let opened else { return .failure(NoConnection(place, begun)) }
        var progress = begun
        if progress == .pending {
            guard Connection.wait(opened, for: POLLOUT, until: end) else {
                close(opened)
                return .failure(NoConnection(reason: "\(place) did not accept within \(deadline.seconds) s"))
            }
            progress = Connection.verdict(of: opened)
        }
        guard progress == .connected, let own = Connection.localPort(of: opened) else {
            close(opened)
            return .failure(NoConnection(place, progress))
        }
        return .success(PreparedQuestion(localPort: own, descriptor: opened, place: place))
    }

    private init(localPort: Port, descriptor: Int32, place: String) {
        self.localPort = localPort
        self.descriptor = descriptor
        self.place = place
    }

    deinit { close(descriptor) }

    /// Blocks until the server closes, or `deadline` has passed since `begin`; once only, as the server closes.
    func ask(
        _ word: String,
        within deadline: Duration = .seconds(1),
        since begin: ContinuousClock.Instant = .now,
        most: Int = longestAnswer
    ) -> FourLetterWord.Answer {
        let end = begin + deadline
        let bytes = Array(word.utf8)
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            return .unreachable(reason: "\(place): \(systemReason())")
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while answer.count < most {
            guard Connection.wait(descriptor, for: POLLIN, until: end) else {
                return .unreachable(reason: "\(place) did not answer '\(word)' within \(deadline.seconds) s")
            }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count >= 0 else { return .unreachable(reason: "\(place): \(systemReason())") }
            guard count > 0 else { break }
            answer += buffer[0..<count]
        }
        return .text(String(decoding: answer, as: UTF8.self))
    }
}

/// Why there is no connection to a server.
struct NoConnection: Error, Hashable {
    let reason: String

    init(reason: String) { self.reason = reason }

    fileprivate init(_ place: String, _ progress: Connection.Progress) {
        switch progress {
        case .failed(let code): reason = "\(place): \(systemReason(code))"
        case .pending, .connected: reason = "\(place): no connection"
        }
    }
}
