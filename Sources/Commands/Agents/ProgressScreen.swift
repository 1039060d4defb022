import ControlProtocol
import FoundationEssentials
import Printable
import Provisioning
import Synchronization
import SystemCalls

/// What is seen of a command on many hosts: a line for each that is done, and below them, on a terminal, one that moves.
final class ProgressScreen: Sendable {
    private struct State {
        var under: [HostName: (HostProgress, since: ContinuousClock.Instant)] = [:]
        var done = 0
        var failed = 0
        var hasLine = false
    }

    private let title: String
    private let total: Int
    private let width: Int
    private let json: Bool
    private let isLive: Bool
    private let state = Mutex(State())

    init(title: String, hosts: [HostName], json: Bool) {
        self.title = title
        total = hosts.count
        width = hosts.map(\.description.count).max() ?? 0
        self.json = json
        isLive = Output.isTerminal && !json
    }

    func take(_ host: HostName, _ progress: HostProgress) {
        state.withLock { $0.under[host] = (progress, .now) }
    }

    func take(_ report: HostReport) {
        state.withLock { state in
            state.under[report.host] = nil
            state.done += 1
            if !report.isGood { state.failed += 1 }
            let text = json ? ReportText.json(report) : ReportText.line(report, width: width)
            if state.hasLine {
                Output.write(TerminalText(text + "\n", after: .clearLine))
                state.hasLine = false
            } else {
                Output.write(text + "\n")
            }
        }
    }

    /// Until it is cancelled.
    func tick() async {
        guard isLive else { return }
        while !Task.isCancelled {
            draw()
            do { try await Task.sleep(for: .milliseconds(200)) } catch { return }
        }
    }

    private func draw() {
        state.withLock { state in
            let slow = state.under.sorted { $0.value.since < $1.value.since }.prefix(3)
            let words = slow.map { host, what in
                "\(host) \(what.0.rawValue) \(what.since.duration(to: .now).components.seconds) s"
            }
            var line = "\(title): \(state.done) of \(total) done"
            if state.failed > 0 { line += ", \(state.failed) not" }
            if !words.isEmpty { line += "; " + words.joined(separator: ", ") }
            Output.write(TerminalText(String(line.prefix(118)), after: .clearLine))
            state.hasLine = true
        }
    }

    func end(_ reports: [HostReport]) {
        guard !json else { return }
        let good = reports.count(where: \.isGood)
        let text =
            "\(title): \(good) of \(total)" + (good == total ? ", all of them" : "; \(total - good) are not")
            + "\n"
        let hasLine = state.withLock { $0.hasLine }
        if hasLine { Output.write(TerminalText(text, after: .clearLine)) } else { Output.write(text) }
    }
}

/// A host's report, for people and for programs.
enum ReportText {
    static func line(_ report: HostReport, width: Int) -> String {
        let name = report.host.description
        let start = name + String(repeating: " ", count: max(0, width - name.count)) + "  "
        switch report.outcome {
        case .ready(let changed, let rules):
            var text =
                start + "ready  "
                + (changed.isEmpty ? "unchanged" : "changed: \(changed.joined(separator: ", "))")
            if let version = report.version { text += "  mitosis-agent \(version)" }
            if let fingerprint = report.fingerprint { text += "  certificate \(fingerprint.prefix(16))" }
            if let rules, rules.rulesBefore > 0 {
                text +=
                    "  \(rules.rulesBefore) rules, the same before, in \(rules.looks) looks during, and after"
            }
            return text
        case .wouldChange(let words):
            return start + (words.isEmpty ? "unchanged" : "would " + words.joined(separator: ", "))
        case .removed(let paths):
            return start + (paths.isEmpty ? "nothing there" : "removed: \(paths.joined(separator: ", "))")
        case .refused(let reasons):
            return start + "refused, nothing was changed: " + reasons.joined(separator: "\n\(start)and: ")
        case .failed(let reason): return start + "failed: \(reason)"
        }
    }

    private struct Wire: Encodable {
        let host: String
        let outcome: String
        var changed: [String]?
        var reasons: [String]?
        var version: String?
        var fingerprint: String?
        var rules: RulesProof?
    }

    static func json(_ report: HostReport) -> String {
        var wire: Wire
        let host = report.host.description
        switch report.outcome {
        case .ready(let changed, let rules):
            wire = Wire(
                host: host,
                outcome: changed.isEmpty ? "unchanged" : "ready",
                changed: changed,
                rules: rules
            )
        case .wouldChange(let words): wire = Wire(host: host, outcome: "wouldChange", changed: words)
        case .removed(let paths): wire = Wire(host: host, outcome: "removed", changed: paths)
        case .refused(let reasons): wire = Wire(host: host, outcome: "refused", reasons: reasons)
        case .failed(let reason): wire = Wire(host: host, outcome: "failed", reasons: [reason])
        }
        wire.version = report.version
        wire.fingerprint = report.fingerprint
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return PrintableText.json(String(decoding: try encoder.encode(wire), as: UTF8.self))
        } catch {
            return "{\"host\":\"\(host)\",\"outcome\":\"failed\"}"
        }
    }
}
