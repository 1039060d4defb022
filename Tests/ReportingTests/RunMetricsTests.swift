import Procedure
import Reporting
import Testing
import Topology

@Suite("A run as numbers for Prometheus")
struct RunMetricsTests {
    private static func text(_ events: [RunEvent.What]) -> String {
        var metrics = RunMetrics(plan: "kafka-a")
        for (index, what) in events.enumerated() {
            metrics.take(RunEvent(what, at: 1_800_000_000_000 + Int64(index) * 1250, run: "7-kafka-a"))
        }
        return metrics.text
    }

    private static let detach = RunEvent.Subject(stage: .division, step: .detach, title: "Detach")

    @Test("in the middle of a division, each side with what its probe was answered")
    func division() {
        let text = Self.text([
            .runStarted(message: ""), .stageStarted(.division, title: "Divide"), .stepStarted(Self.detach),
            .warning(Self.detach, message: "slow"),
            .probed(ProbeSample(side: .source, at: 1_800_000_004_000, writes: 5, worst: 3, gap: 210)),
            .probed(
                ProbeSample(
                    side: .destination,
                    at: 1_800_000_005_000,
                    writes: 0,
                    failures: 2,
                    gap: 1040,
                    unavailableSince: 1_800_000_003_960
                )
            ),
            .probed(ProbeSample(side: .source, at: 1_800_000_005_000, writes: 4, failures: 1, gap: 1300)),
        ])
        let labels = #"plan="kafka-a",run="7-kafka-a""#
        let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
        #expect(
            samples == [
                "mitosis_run_under_way{\(labels)} 1",
                "mitosis_run_stage{\(labels),stage=\"division\"} 1",
                "mitosis_run_window_open{\(labels)} 1",
                "mitosis_run_warnings_total{\(labels)} 1",
                "mitosis_run_last_event_timestamp_seconds{\(labels)} 1800000007.500",
                "mitosis_run_probe_writes_total{\(labels),side=\"destination\"} 0",
                "mitosis_run_probe_writes_total{\(labels),side=\"source\"} 9",
                "mitosis_run_probe_failures_total{\(labels),side=\"destination\"} 2",
                "mitosis_run_probe_failures_total{\(labels),side=\"source\"} 1",
                "mitosis_run_probe_longest_gap_seconds{\(labels),side=\"destination\"} 1.040",
                "mitosis_run_probe_longest_gap_seconds{\(labels),side=\"source\"} 1.300",
                "mitosis_run_probe_unavailable_seconds{\(labels),side=\"destination\"} 1.040",
                "mitosis_run_probe_unavailable_seconds{\(labels),side=\"source\"} 0.000",
            ]
        )
        let families = Set(samples.compactMap { $0.split(separator: "{").first.map(String.init) })
        for family in families {
            #expect(text.contains("# HELP \(family) ") && text.contains("# TYPE \(family) "))
        }
    }

    @Test("a window that has closed is shut, and a run that stopped is not under way")
    func over() {
        let start = RunEvent.Subject(stage: .division, step: .startFirstQuorum, title: "Start")
        let text = Self.text([
            .runStarted(message: ""), .stepStarted(Self.detach),
            .stepFinished(start, observed: "", milliseconds: 1),
        ])
        #expect(text.contains("mitosis_run_window_open{plan=\"kafka-a\",run=\"7-kafka-a\"} 0\n"))
        #expect(!text.contains("mitosis_run_probe"))
        let stopped = Self.text([
            .runStarted(message: ""), .stepStarted(Self.detach),
            .runStopped(.detach, reason: "s1", standing: .dividing),
        ])
        #expect(stopped.contains("mitosis_run_under_way{plan=\"kafka-a\",run=\"7-kafka-a\"} 0\n"))
        // Its clients are without ZooKeeper as before.
        #expect(stopped.contains("mitosis_run_window_open{plan=\"kafka-a\",run=\"7-kafka-a\"} 1\n"))
        let back = Self.text([
            .runStarted(message: ""), .stepStarted(Self.detach),
            .runStopped(.detach, reason: "s1", standing: .dividing), .runResumed(message: ""),
            .stageFinished(.rollback, title: "Back", milliseconds: 1),
        ])
        #expect(back.contains("mitosis_run_window_open{plan=\"kafka-a\",run=\"7-kafka-a\"} 0\n"))
    }
}
