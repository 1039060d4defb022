import Topology

/// Asks a ZooKeeper server one of its four-letter words over plain TCP.
enum FourLetterWord {
    enum Answer: Equatable {
        case text(String)
        case unreachable(reason: String)
    }

    /// Blocks until the server closes, `deadline` has passed, or it has said `most` bytes or a little more.
    static func ask(
        _ word: String,
        at address: IPAddress,
        _ port: Port,
        within deadline: Duration = .seconds(1),
        most: Int = PreparedQuestion.longestAnswer
    ) -> Answer {
        let begin = ContinuousClock.now
        switch PreparedQuestion.open(at: address, port, within: deadline) {
        case .failure(let error): return .unreachable(reason: error.reason)
        case .success(let question): return question.ask(word, within: deadline, since: begin, most: most)
        }
    }
}
