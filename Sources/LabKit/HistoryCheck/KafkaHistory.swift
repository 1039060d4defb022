internal import FoundationEssentials

/// A message, and what its producer learned of it.
package struct KafkaSend: Codable, Sendable, Hashable {
    package enum Outcome: String, Codable, Sendable {
        /// Every replica in sync has it: it must be there.
        case acknowledged
        /// It was never handed to a broker: it must not be there.
        case failed
        /// The producer gave up without learning: it may be there.
        case unknown
    }

    package let number: Int
    package let partition: Int
    package let outcome: Outcome
    /// Where the acknowledgement says it is.
    package let offset: Int?
    package let attempts: Int
    /// The tries that were handed over and not acknowledged: each may have written the message once more.
    package let open: Int
    package let invoked: Instant
    package let completed: Instant

    package init(
        number: Int,
        partition: Int,
        outcome: Outcome,
        offset: Int?,
        attempts: Int = 1,
        open: Int = 0,
        invoked: Instant,
        completed: Instant
    ) {
        self.number = number
        self.partition = partition
        self.outcome = outcome
        self.offset = offset
        self.attempts = attempts
        self.open = open
        self.invoked = invoked
        self.completed = completed
    }

    /// From the first try to the outcome, in seconds.
    package var latency: Double { completed.monotonic - invoked.monotonic }
}

/// What a producer saw.
package struct KafkaHistory: Sendable {
    package let sends: [KafkaSend]
    /// Whether the producer came to its own end.
    package let isComplete: Bool

    package init(sends: [KafkaSend], isComplete: Bool = true) {
        self.sends = sends
        self.isComplete = isComplete
    }

    /// Reads a log of `produce.py`; a line that cannot be read is an error with its number.
    package init(reading text: String, from path: String) throws(LabError) {
        var sends: [KafkaSend] = []
        var isComplete = false
        try KafkaLog.read(text, from: path) { event, data in
            switch event {
            case .start, .ready, .retry, .message: break
            case .send: sends.append(try JSONDecoder().decode(KafkaSend.self, from: data))
            case .final: isComplete = true
            }
        }
        self.init(sends: sends, isComplete: isComplete)
    }
}

/// What a consumer read, in the order it read it.
package struct KafkaReading: Sendable {
    package struct Message: Codable, Sendable, Hashable {
        package let partition: Int
        package let offset: Int
        package let number: Int

        package init(partition: Int, offset: Int, number: Int) {
            self.partition = partition
            self.offset = offset
            self.number = number
        }
    }

    /// Where a partition ended, and up to where it was read.
    package struct End: Codable, Sendable, Hashable {
        package let partition: Int
        package let end: Int
        package let position: Int

        package init(partition: Int, end: Int, position: Int) {
            self.partition = partition
            self.end = end
            self.position = position
        }
    }

    package let messages: [Message]
    /// Nil when the consumer was cut off before its last line.
    package let ends: [End]?

    package init(messages: [Message], ends: [End]?) {
        self.messages = messages
        self.ends = ends
    }

    /// Reads a log of `consume.py`; a line that cannot be read is an error with its number.
    package init(reading text: String, from path: String) throws(LabError) {
        var messages: [Message] = []
        var ends: [End]?
        try KafkaLog.read(text, from: path) { event, data in
            switch event {
            case .start, .ready, .retry, .send: break
            case .message: messages.append(try JSONDecoder().decode(Message.self, from: data))
            case .final: ends = try JSONDecoder().decode(Last.self, from: data).partitions
            }
        }
        self.init(messages: messages, ends: ends)
    }

    private struct Last: Decodable {
        let partitions: [End]
    }
}

/// The lines that the Kafka clients write.
private enum KafkaLog {
    enum Event: String, Decodable {
        case start
        case ready
        case retry
        case send
        case message
        case final
    }

    private struct Line: Decodable {
        let event: Event
    }

    static func read(_ text: String, from path: String, _ take: (Event, Data) throws -> Void)
        throws(LabError)
    {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            let data = Data(line.utf8)
            do {
                try take(try JSONDecoder().decode(Line.self, from: data).event, data)
            } catch {
                throw .file(path: path, reason: "line \(index + 1) cannot be read: \(error)")
            }
        }
    }
}
