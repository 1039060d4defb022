import LabKit
import Testing

@Suite("The Kafka history check")
struct KafkaHistoryCheckTests {
    /// Two partitions, three messages each: even numbers in 0, odd ones in 1.
    static let numbers = [0, 2, 4, 1, 3, 5]

    static func at(_ seconds: Double) -> Instant { Instant(monotonic: seconds, wall: 1000 + seconds) }

    static func send(
        _ number: Int,
        _ outcome: KafkaSend.Outcome = .acknowledged,
        offset: Int? = nil,
        attempts: Int = 1,
        open: Int = 0,
        seconds: Double = 0.1
    ) -> KafkaSend {
        KafkaSend(
            number: number,
            partition: number % 2,
            outcome: outcome,
            offset: outcome == .acknowledged ? offset ?? number / 2 : nil,
            attempts: attempts,
            open: open,
            invoked: at(Double(number)),
            completed: at(Double(number) + seconds)
        )
    }

    /// A reading with those numbers in each partition, whole unless `position` says otherwise.
    static func reading(_ zero: [Int], _ one: [Int], missing: Int = 0) -> KafkaReading {
        let partitions = [zero, one]
        return KafkaReading(
            messages: partitions.enumerated().flatMap { partition, numbers in
                numbers.enumerated().map { .init(partition: partition, offset: $0, number: $1) }
            },
            ends: partitions.enumerated().map { partition, numbers in
                let end = numbers.count + (partition == 0 ? missing : 0)
                return .init(partition: partition, end: end, position: numbers.count)
            }
        )
    }

    static func report(
        _ sends: [KafkaSend] = numbers.map { send($0) },
        _ final: KafkaReading = reading([0, 2, 4], [1, 3, 5]),
        along: KafkaReading? = nil,
        complete: Bool = true
    ) -> KafkaHistoryReport {
        let history = KafkaHistory(sends: sends, isComplete: complete)
        return KafkaHistoryCheck(history: history, final: final, along: along, partitions: 2).report()
    }

    @Test("passes a history in which everything is where it was acknowledged")
    func clean() {
        let report = Self.report(along: Self.reading([0, 2, 4], [1, 3, 5]))
        #expect(report.isClean, "\(report)")
        #expect(report.acknowledged == 6)
        #expect(report.duplicated == 0)
        #expect(abs((report.longestLatency ?? 0) - 0.1) < 0.001)
    }

    @Test("finds an acknowledged message that is nowhere")
    func lost() {
        let report = Self.report(Self.numbers.map { Self.send($0) }, Self.reading([0, 2], [1, 3, 5]))
        #expect(report.lost == ["4 (partition 0)"])
        #expect(!report.isClean)
    }

    @Test("finds a message that was acknowledged at an offset where another is")
    func moved() {
        let sends = [0, 4, 1, 3, 5].map { Self.send($0) } + [Self.send(2, .unknown, open: 1)]
        let report = Self.report(sends, Self.reading([0, 4], [1, 3, 5]))
        #expect(report.lost.isEmpty)
        #expect(report.problems.contains { $0.contains("acknowledged at offset 2") })
    }

    @Test("explains a second copy by an open try, and by nothing else")
    func duplicates() {
        let twice = Self.reading([0, 2, 2, 4], [1, 3, 5])
        let others = [0, 1, 3, 5].map { Self.send($0) } + [Self.send(4, offset: 3)]
        let explained = Self.report(others + [Self.send(2, offset: 2, attempts: 2, open: 1)], twice)
        #expect(explained.isClean, "\(explained)")
        #expect(explained.duplicated == 1)
        #expect(explained.retried == 1)
        let unexplained = Self.report(others + [Self.send(2)], twice)
        #expect(unexplained.duplicated == 1)
        #expect(unexplained.problems.contains { $0.contains("2 times") })
    }

    @Test("finds messages out of order, and not their late copies")
    func order() {
        let swapped = Self.report(
            [0, 1, 3, 5].map { Self.send($0) } + [Self.send(2, offset: 2), Self.send(4, offset: 1)],
            Self.reading([0, 4, 2], [1, 3, 5])
        )
        #expect(swapped.outOfOrder == ["2 (partition 0) comes after 4"])
        #expect(!swapped.isClean)
        let late = Self.report(
            [0, 4, 1, 3, 5].map { Self.send($0) } + [Self.send(2, attempts: 2, open: 1)],
            Self.reading([0, 2, 4, 2], [1, 3, 5])
        )
        #expect(late.isClean, "\(late)")
        #expect(late.duplicated == 1)
    }

    @Test("counts messages given up on, and finds one there that was never handed over")
    func givenUp() {
        let unknown = Self.report(
            [0, 2, 1, 3, 5].map { Self.send($0) } + [Self.send(4, .unknown, open: 1)]
        )
        #expect(unknown.unknown == 1)
        #expect(unknown.unknownThatHappened == 1)
        #expect(!unknown.isClean)
        let absent = Self.report(
            [0, 2, 1, 3, 5].map { Self.send($0) } + [Self.send(4, .failed)],
            Self.reading([0, 2], [1, 3, 5])
        )
        #expect(absent.failed == 1)
        #expect(absent.problems.isEmpty)
        #expect(!absent.isClean)
        let present = Self.report([0, 2, 1, 3, 5].map { Self.send($0) } + [Self.send(4, .failed)])
        #expect(present.problems.contains { $0.contains("never handed over") })
    }

    @Test("finds messages that nobody produced, or that are in another partition")
    func strangers() {
        let stranger = Self.report(
            Self.numbers.map { Self.send($0) },
            Self.reading([0, 2, 4, 8], [1, 3, 5])
        )
        #expect(stranger.problems.contains { $0.contains("8 is there") })
        let elsewhere = Self.report(
            Self.numbers.map { Self.send($0) },
            Self.reading([0, 2, 4], [1, 3, 5, 4])
        )
        #expect(elsewhere.problems.contains { $0.contains("4 is in partition 1") })
    }

    @Test("passes nothing that was not checked")
    func nothing() {
        #expect(!Self.report([], Self.reading([], [])).isClean)
        #expect(!Self.report(complete: false).isClean)
        #expect(!Self.report([0, 2, 4].map { Self.send($0) }, Self.reading([0, 2, 4], [])).isClean)
        let cutOff = KafkaReading(messages: Self.reading([0, 2, 4], [1, 3, 5]).messages, ends: nil)
        #expect(!Self.report(Self.numbers.map { Self.send($0) }, cutOff).isClean)
        #expect(!Self.report(along: cutOff).isClean)
        let short = Self.reading([0, 2], [1, 3, 5], missing: 1)
        #expect(Self.report(Self.numbers.map { Self.send($0) }, short).problems.count >= 2)
    }

    @Test("finds that a consumer was given what is no longer there, or missed or repeated something")
    func along() {
        let sends = Self.numbers.map { Self.send($0) }
        let final = Self.reading([0, 2, 4], [1, 3, 5])
        let rewritten = Self.report(sends, final, along: Self.reading([0, 6, 4], [1, 3, 5]))
        #expect(rewritten.problems.contains { $0.contains("was given 6 at offset 1") })
        let vanished = Self.report(sends, final, along: Self.reading([0, 2, 4, 6], [1, 3, 5]))
        #expect(vanished.problems.contains { $0.contains("where nothing is now") })
        let whole = Self.reading([0, 2, 4], [1, 3, 5])
        let gap = KafkaReading(messages: whole.messages.filter { $0.number != 2 }, ends: whole.ends)
        #expect(!Self.report(sends, final, along: gap).isClean)
        let again = KafkaReading(messages: whole.messages + whole.messages, ends: whole.ends)
        #expect(!Self.report(sends, final, along: again).isClean)
    }

    @Test("reads what the clients write, and names the line it cannot read")
    func logs() throws {
        let at = "{\"monotonic\": 1.0, \"wall\": 2.0}"
        let history = try KafkaHistory(
            reading: """
                {"event": "start", "brokers": "b", "topic": "lab", "at": \(at)}
                {"event": "send", "number": 0, "partition": 0, "outcome": "acknowledged", "attempts": 2, \
                "open": 1, "invoked": \(at), "completed": \(at), "offset": 7, "errors": ["X"]}
                {"event": "final", "at": \(at)}
                """,
            from: "producer"
        )
        #expect(history.isComplete)
        #expect(history.sends.map(\.offset) == [7])
        let reading = try KafkaReading(
            reading: """
                {"event": "message", "partition": 0, "offset": 0, "number": 0}
                {"event": "final", "partitions": [{"partition": 0, "end": 1, "position": 1}], "at": \(at)}
                """,
            from: "consumer"
        )
        #expect(reading.messages.count == 1)
        #expect(reading.ends?.count == 1)
        #expect {
            try KafkaReading(reading: "{\"event\": \"ready\"}\n{\"event\": \"me", from: "consumer")
        } throws: { error in
            "\(error)".contains("line 2")
        }
    }
}
