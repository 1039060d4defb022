package import Procedure

/// A run's events as numbers for Prometheus, in its text format: events in, text out.
///
/// Names end in their units; times are Unix seconds.
package struct RunMetrics: Sendable {
    private struct Side {
        var writes = 0
        var failures = 0
        /// Milliseconds.
        var longestGap = 0
        var last: ProbeSample?
    }

    private let plan: String
    private var run = ""
    private var stage: StageName?
    private var isWindowOpen = false
    private var isUnderWay = false
    private var warnings = 0
    private var lastAt: Int64 = 0
    private var sides: [ProbedSide: Side] = [:]

    /// - Parameter plan: its name, which has no character that a label could not hold.
    package init(plan: String) { self.plan = plan }

    package mutating func take(_ event: RunEvent) {
        (run, lastAt) = (event.run, event.at)
        switch event.windowChange {
        case .opens: isWindowOpen = true
        case .closes: isWindowOpen = false
        case nil: break
        }
        switch event.what {
        case .runStarted, .runResumed: isUnderWay = true
        case .stageStarted(let stage, _): self.stage = stage
        case .runStopped, .runFinished: isUnderWay = false
        case .warning: warnings += 1
        case .probed(let sample):
            var side = sides[sample.side] ?? Side()
            side.writes += sample.writes
            side.failures += sample.failures
            side.longestGap = max(side.longestGap, sample.gap)
            side.last = sample
            sides[sample.side] = side
        case .stepStarted, .stepProgress, .stepWaiting, .stepFinished, .stageFinished, .confirmationNeeded:
            break
        }
    }

    /// Nobody performs the run any more, whatever it told last; its window may still be open.
    package mutating func end() { isUnderWay = false }

    package var text: String {
        var lines: [String] = []
        func family(_ name: String, _ kind: String, _ help: String, _ rows: [(labels: String, value: String)])
        {
            guard !rows.isEmpty else { return }
            lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(kind)"]
            lines += rows.map { "\(name){\(labels($0.labels))} \($0.value)" }
        }
        let probed = sides.sorted { $0.key.rawValue < $1.key.rawValue }
        func sided(_ value: (Side) -> String?) -> [(labels: String, value: String)] {
            probed.compactMap { side, seen in value(seen).map { (#"side="\#(side.rawValue)""#, $0) } }
        }
        family("mitosis_run_under_way", "gauge", "Whether the run goes on.", [("", isUnderWay ? "1" : "0")])
        family(
            "mitosis_run_stage",
            "gauge",
            "The stage that the run is in, or was in last.",
            stage.map { [(#"stage="\#($0.rawValue)""#, "1")] } ?? []
        )
        family(
            "mitosis_run_window_open",
            "gauge",
            "Whether the destination's clients are without ZooKeeper.",
            [("", isWindowOpen ? "1" : "0")]
        )
        family("mitosis_run_warnings_total", "counter", "Warnings of this program.", [("", "\(warnings)")])
        family(
            "mitosis_run_last_event_timestamp_seconds",
            "gauge",
            "When the run told of something last.",
            [("", Self.seconds(lastAt))]
        )
        family(
            "mitosis_run_probe_writes_total",
            "counter",
            "Writes of the side's probe that were acknowledged.",
            sided { "\($0.writes)" }
        )
        family(
            "mitosis_run_probe_failures_total",
            "counter",
            "Requests of the side's probe that came to nothing.",
            sided { "\($0.failures)" }
        )
        family(
            "mitosis_run_probe_longest_gap_seconds",
            "gauge",
            "The longest time between two acknowledged writes of the side's probe.",
            sided { Self.seconds(Int64($0.longestGap)) }
        )
        family(
            "mitosis_run_probe_unavailable_seconds",
            "gauge",
            "For how long the side has acknowledged no write of its probe; 0 while it does.",
            sided { side in
                guard let last = side.last else { return nil }
                return Self.seconds(last.unavailableSince.map { last.at - $0 } ?? 0)
            }
        )
        return lines.map { $0 + "\n" }.joined()
    }

    private func labels(_ own: String) -> String {
        ([#"plan="\#(plan)""#, #"run="\#(run)""#] + (own.isEmpty ? [] : [own])).joined(separator: ",")
    }

    private static func seconds(_ milliseconds: Int64) -> String {
        let rest = String(abs(milliseconds % 1000))
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }
}
