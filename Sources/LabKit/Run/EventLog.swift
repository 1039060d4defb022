internal import FoundationEssentials

/// What the coordinator's `--events` file says about times.
///
/// Read leniently: unknown events and keys are the coordinator's business.
package struct EventLog: Sendable {
    /// A stage and how long it took.
    package struct Stage: Codable, Sendable, Hashable {
        package let name: String
        package let milliseconds: Int
        /// Unix milliseconds.
        package let finishedAt: Int64
    }

    package let stages: [Stage]
    /// Unix seconds at which the split was proven to stand, the last time if it was taken back; nil when it never was.
    package let dividedAt: Double?
    /// Why the run stopped, if it did.
    package let stopped: String?

    package init(reading text: String) {
        let decoder = JSONDecoder()
        let lines: [Line] = text.split(separator: "\n").compactMap { line in
            do { return try decoder.decode(Line.self, from: Data(line.utf8)) } catch { return nil }
        }
        stages = lines.compactMap { line in
            guard line.event == "stageFinished", let stage = line.stage, let at = line.at else { return nil }
            return Stage(name: stage, milliseconds: line.milliseconds ?? 0, finishedAt: at)
        }
        let split = lines.last { $0.event == "stepFinished" && $0.step == "division.split" }
        dividedAt = split?.at.map { Double($0) / 1000 }
        stopped = lines.last { $0.event == "runStopped" }?.message
        division = Self.division(in: lines, stages)
    }

    /// Each once, in their order.
    package static func finishedSteps(in text: String) -> [String] {
        let decoder = JSONDecoder()
        var known: Set<String> = []
        return text.split(separator: "\n").compactMap { line in
            let event: Line
            do { event = try decoder.decode(Line.self, from: Data(line.utf8)) } catch { return nil }
            guard event.event == "stepFinished", let step = event.step else { return nil }
            return known.insert(step).inserted ? step : nil
        }
    }

    /// Whether an event of this kind was told of a step.
    static func has(_ event: String, of step: String, in text: String) -> Bool {
        text.split(separator: "\n").contains {
            $0.contains(#""event":"\#(event)""#) && $0.contains(#""step":"\#(step)""#)
        }
    }

    /// Whether a migration came to its end; ways back have ends of their own.
    static func hasFinished(_ text: String) -> Bool {
        text.split(separator: "\n").contains {
            $0.contains(#""event":"runFinished""#) && $0.contains(#""message":"finished""#)
        }
    }

    /// Unix seconds from the first detaching to the end of the division.
    ///
    /// What ended before the detaching is none of the division's: at the end of the join a seed that leads is stopped, and a
    /// client that has the seeds alone waits until one serves again. Without a detaching (somebody else divided), it begins
    /// with the stage.
    package let division: ClosedRange<Double>?

    private static func division(in lines: [Line], _ stages: [Stage]) -> ClosedRange<Double>? {
        guard let stage = stages.last(where: { $0.name == "division" }) else { return nil }
        let end = Double(stage.finishedAt) / 1000
        let begin = end - Double(stage.milliseconds) / 1000
        let detaching = lines.lazy.filter { $0.event == "stepStarted" && $0.step == "division.detach" }
            .compactMap { $0.at.map { Double($0) / 1000 } }
            .first { begin <= $0 && $0 <= end }
        return (detaching ?? begin)...end
    }

    private struct Line: Decodable {
        let event: String
        let stage: String?
        let step: String?
        let at: Int64?
        let milliseconds: Int?
        let message: String?
    }
}
