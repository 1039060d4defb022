/// Compares what a producer was told with what is in its topic at the end.
package struct KafkaHistoryCheck: Sendable {
    package let history: KafkaHistory
    /// Everything that is in the topic at the end.
    package let final: KafkaReading
    /// What a consumer read meanwhile; nil when there was none.
    package let along: KafkaReading?
    package let partitions: Int
    /// How far behind a message the offset of its acknowledgement is: 0.8.1 answers with the next one when
    /// it had to wait for other replicas.
    package let offsetShift: Int

    package init(
        history: KafkaHistory,
        final: KafkaReading,
        along: KafkaReading?,
        partitions: Int,
        offsetShift: Int = 0
    ) {
        self.history = history
        self.final = final
        self.along = along
        self.partitions = partitions
        self.offsetShift = offsetShift
    }

    package func report() -> KafkaHistoryReport {
        var report = KafkaHistoryReport()
        count(into: &report)
        // What is checked against must itself be whole, else everything would seem lost, or nothing checked.
        checkReading(final, "the final reading", into: &report)
        compare(into: &report)
        checkOrder(into: &report)
        if let along {
            checkReading(along, "the consumer", into: &report)
            checkAlong(along, into: &report)
        }
        return report
    }

    private func count(into report: inout KafkaHistoryReport) {
        for send in history.sends {
            switch send.outcome {
            case .acknowledged: report.acknowledged += 1
            case .failed: report.failed += 1
            case .unknown: report.unknown += 1
            }
            if send.attempts > 1 { report.retried += 1 }
        }
        report.longestLatency = history.sends.filter { $0.outcome == .acknowledged }.map(\.latency).max()
        // A check over nothing would pass: say so instead.
        if report.acknowledged == 0 { report.problems.append("the producer got nothing acknowledged") }
        if !history.isComplete {
            report.problems.append("the producer's history has no end: it was cut off")
        }
        let silent = Set(0..<partitions).subtracting(history.sends.map(\.partition)).sorted()
        if !silent.isEmpty { report.problems.append("nothing was produced to partitions \(silent)") }
        if Set(history.sends.map(\.number)).count < history.sends.count {
            report.problems.append("the producer used a number twice")
        }
    }

    /// A reading has every offset of every partition once, in order, from 0 to the end.
    private func checkReading(_ reading: KafkaReading, _ name: String, into report: inout KafkaHistoryReport)
    {
        guard let ends = reading.ends else {
            report.problems.append("\(name) has no end: it was cut off")
            return
        }
        let byPartition = Dictionary(grouping: reading.messages, by: \.partition)
        let read = ends.map(\.partition)
        if read.sorted() != Array(0..<partitions) || !Set(byPartition.keys).isSubset(of: read) {
            report.problems.append("\(name) ends with partitions \(read) instead of 0 to \(partitions - 1)")
        }
        for end in ends {
            if end.position < end.end {
                report.problems.append(
                    "\(name) read partition \(end.partition) up to \(end.position) of \(end.end)"
                )
            }
            let offsets = byPartition[end.partition, default: []].map(\.offset)
            for (expected, offset) in offsets.enumerated() where expected != offset {
                report.problems.append(
                    "\(name) has offset \(offset) of partition \(end.partition) where \(expected) should be"
                )
                break
            }
            if offsets.count < end.end {
                report.problems.append(
                    "\(name) has \(offsets.count) of \(end.end) messages of partition \(end.partition)"
                )
            }
        }
    }

    private func compare(into report: inout KafkaHistoryReport) {
        var copies: [Int: [KafkaReading.Message]] = [:]
        for message in final.messages { copies[message.number, default: []].append(message) }
        for send in history.sends {
            let found = copies[send.number, default: []]
            copies[send.number] = nil
            if let stray = found.first(where: { $0.partition != send.partition }) {
                report.problems.append(
                    "\(send.number) is in partition \(stray.partition) instead of \(send.partition)"
                )
            }
            compare(send, found, into: &report)
        }
        for number in copies.keys.sorted() {
            report.problems.append("\(number) is there and nobody produced it")
        }
    }

    private func compare(
        _ send: KafkaSend,
        _ found: [KafkaReading.Message],
        into report: inout KafkaHistoryReport
    ) {
        let place = "\(send.number) (partition \(send.partition))"
        // A try that was left open may have written the message, and each such try once more.
        var allowed = send.open
        switch send.outcome {
        case .acknowledged:
            allowed += 1
            if found.isEmpty {
                report.lost.append(place)
            } else if let offset = send.offset.map({ $0 - offsetShift }),
                !found.contains(where: { $0.offset == offset })
            {
                report.problems.append(
                    "\(place) was acknowledged at offset \(offset) and is at \(found.map(\.offset))"
                )
            }
        case .failed:
            if !found.isEmpty { report.problems.append("\(place) was never handed over and is there") }
        case .unknown:
            if !found.isEmpty { report.unknownThatHappened += 1 }
        }
        report.duplicated += max(0, found.count - 1)
        if send.outcome != .failed && found.count > allowed {
            report.problems.append("\(place) is there \(found.count) times after \(send.open) open tries")
        }
    }

    /// Within a partition every message stays behind those produced before it; only first copies count.
    private func checkOrder(into report: inout KafkaHistoryReport) {
        for (partition, messages) in Dictionary(grouping: final.messages, by: \.partition) {
            var seen: Set<Int> = []
            var highest = Int.min
            for message in messages.sorted(by: { $0.offset < $1.offset })
            where seen.insert(message.number).inserted {
                if message.number < highest {
                    report.outOfOrder.append(
                        "\(message.number) (partition \(partition)) comes after \(highest)"
                    )
                }
                highest = max(highest, message.number)
            }
        }
        report.outOfOrder.sort()
    }

    /// What a consumer has once been given stays what it is.
    private func checkAlong(_ along: KafkaReading, into report: inout KafkaHistoryReport) {
        var held: [Int: [Int: Int]] = [:]
        for message in final.messages {
            held[message.partition, default: [:]][message.offset] = message.number
        }
        for message in along.messages where held[message.partition]?[message.offset] != message.number {
            let now = held[message.partition]?[message.offset].map(String.init) ?? "nothing"
            report.problems.append(
                "the consumer was given \(message.number) at offset \(message.offset) of partition "
                    + "\(message.partition), where \(now) is now"
            )
        }
    }
}
