import FoundationEssentials
import Procedure
import Reporting
import SystemCalls

/// A run's metrics in a file for node_exporter's textfile collector, replaced whole behind the run's back.
///
/// The run never waits for it, and a file that cannot be written is told once.
final class MetricsFile: Sendable {
    private let latest: AsyncStream<RunEvent>.Continuation
    private let work: Task<Void, Never>

    /// What cannot be written is refused before a run begins.
    init(_ path: String, plan: String, warn: @escaping @Sendable (String) -> Void) throws {
        let (events, latest) = AsyncStream<RunEvent>.makeStream(bufferingPolicy: .bufferingNewest(1000))
        self.latest = latest
        var metrics = RunMetrics(plan: plan)
        do {
            try Self.write(metrics, to: path)
        } catch {
            throw Complaint(
                "--metrics: \(path) cannot be written: \(error); name a file in a directory that is there"
            )
        }
        work = Task {
            var hasFailed = false
            func write() {
                do { try Self.write(metrics, to: path) } catch {
                    if !hasFailed { warn("--metrics: \(path) cannot be written: \(error); the run goes on") }
                    hasFailed = true
                }
            }
            for await event in events {
                metrics.take(event)
                if Self.isShown(event.event) { write() }
            }
            metrics.end()
            write()
        }
    }

    func take(_ event: RunEvent) { latest.yield(event) }

    /// What was told last is in the file then.
    func close() async {
        latest.finish()
        await work.value
    }

    /// Each second, and where something begins or ends.
    private static func isShown(_ kind: RunEvent.Kind) -> Bool {
        switch kind {
        case .stepProgress, .stepWaiting: false
        case .runStarted, .runResumed, .stageStarted, .stepStarted, .warning, .stepFinished, .stageFinished,
            .confirmationNeeded, .runStopped, .runFinished, .probed:
            true
        }
    }

    /// A reader sees the old file or the new one.
    private static func write(_ metrics: RunMetrics, to path: String) throws {
        try Data(metrics.text.utf8).write(to: URL(filePath: path), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    }
}
