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
    }

    /// Unix seconds from the beginning of a stage to its end.
    package func window(of stage: String) -> ClosedRange<Double>? {
        stages.last { $0.name == stage }.map { stage in
            let end = Double(stage.finishedAt) / 1000
            return (end - Double(stage.milliseconds) / 1000)...end
        }
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
