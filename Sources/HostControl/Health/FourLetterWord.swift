import FoundationEssentials
import Glibc
import Topology

/// Asks a ZooKeeper server one of its four-letter words over plain TCP.
enum FourLetterWord {
    enum Answer: Equatable {
        case text(String)
        case unreachable(reason: String)
    }

    /// Blocks until the server closes, or `deadline` has passed.
    static func ask(
        _ word: String,
        at address: IPAddress,
        _ port: Port,
        within deadline: Duration = .seconds(1)
    ) -> Answer {
        let end = ContinuousClock.now + deadline
        let place = address.family == .ipv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        let silent = Answer.unreachable(
            reason: "\(place) did not answer '\(word)' within \(deadline.seconds) s"
        )
        let (opened, begun) = Connection.begin(address, port)
        guard let opened else { return failure(begun, place) }
        defer { close(opened) }
        if begun == .pending {
            guard Connection.wait(opened, for: POLLOUT, until: end) else { return silent }
            let verdict = Connection.verdict(of: opened)
            guard verdict == .connected else { return failure(verdict, place) }
        } else if begun != .connected {
            return failure(begun, place)
        }
        let bytes = Array(word.utf8)
        guard send(opened, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            return failure(.failed(errno), place)
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while answer.count < 1 << 20 {
            guard Connection.wait(opened, for: POLLIN, until: end) else { return silent }
            let count = recv(opened, &buffer, buffer.count, 0)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count >= 0 else { return failure(.failed(errno), place) }
            guard count > 0 else { break }
            answer += buffer[0..<count]
        }
        return .text(String(decoding: answer, as: UTF8.self))
    }

    private static func failure(_ progress: Connection.Progress, _ place: String) -> Answer {
        switch progress {
        case .failed(let code): .unreachable(reason: "\(place): \(FileError.text(of: code))")
        case .pending, .connected: .unreachable(reason: "\(place): no connection")
        }
    }
}
