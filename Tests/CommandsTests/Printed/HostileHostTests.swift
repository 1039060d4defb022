import ControlProtocol
import Fleet
import Foundation
import Printable
import Procedure
import Reporting
import Settings
import TestSupport
import Testing
import Topology

/// Every field of a status and of a run's record, one after the other, holds what wants more from a terminal than to be
/// shown; then everything is printed that `mitosis` prints of it.
@Suite("What a hostile host can bring onto the operator's terminal")
struct HostileHostTests {
    private static func clean(_ text: String, _ what: String) {
        #expect(HostileText.offences(in: text).isEmpty, "\(what): \(text)")
    }

    @Test("nothing by any text of a status, as the wire brings it")
    func status() throws {
        let host = try HostName.parsed("s1")
        let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(try FullStatus.status(host)))
        let places = Self.texts(in: json, [])
        #expect(places.count > 40)
        var decoded = 0
        for place in places {
            let hostile = Self.replacing(json, at: place[...], with: HostileText.all)
            let data = WireText.printable(try JSONSerialization.data(withJSONObject: hostile))
            let status: HostStatus
            do {
                status = try JSONDecoder().decode(HostStatus.self, from: data)
            } catch {
                Self.clean("\(error)", "\(place)")
                continue
            }
            decoded += 1
            Self.expectHarmless(.status(status), host, "\(place)")
        }
        // Names of cases, identifiers and addresses are refused instead.
        #expect(decoded > 15)
    }

    @Test("nothing by any text of a status that came in some other way")
    func unfiltered() throws {
        let host = try HostName.parsed("s1")
        let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(try FullStatus.status(host)))
        for place in Self.texts(in: json, []) {
            let hostile = Self.replacing(json, at: place[...], with: HostileText.all)
            let data = try JSONSerialization.data(withJSONObject: hostile)
            // What cannot be decoded is not printed.
            guard let status = Self.decoded(data) else { continue }
            Self.expectHarmless(.status(status), host, "\(place)")
        }
        Self.expectHarmless(.silent(reason: HostileText.all), host, "silence")
    }

    private static func decoded(_ data: Data) -> HostStatus? {
        do { return try JSONDecoder().decode(HostStatus.self, from: data) } catch { return nil }
    }

    private static func expectHarmless(_ answer: Observation, _ host: HostName, _ what: String) {
        let status = StatusText([host], [host: answer]).text
        var told = RulesText()
        let rules = told.told(host, answer)
        var json = RulesText(json: true)
        for text in [status, rules, told.end(), json.told(host, answer)] {
            clean(TerminalText(text).rendered, what)
        }
        // No line looks like one about another host.
        #expect(status.split(separator: "\n").count == 2, "\(what): \(status)")
        for line in TerminalText(rules).rendered.split(separator: "\n").dropFirst() {
            #expect(line.hasPrefix("  "), "\(what): \(line)")
        }
    }

    @Test("nothing by what the journal keeps of it")
    func history() throws {
        let host = try HostName.parsed("d1")
        let text = HostileText.all
        let commands: [Command] = [
            .service(request: ServiceRequest(service: text, action: .restart)),
            .restoreFile(restore: FileRestore(path: text)),
            .writeFile(write: FileWrite(path: text, expected: text, content: Data(text.utf8))),
            .setAside(request: SetAsideRequest(service: text)),
        ]
        for verdict in [StepVerdict.done(observed: text), .failed(reason: text)] {
            let entry = JournalEntry(
                step: StepID(text),
                attempt: 1,
                commands: commands.map { HostCommand(host, $0) },
                intendedAt: 0,
                verdict: verdict,
                decidedAt: 1
            )
            Self.clean(TerminalText(HistoryText.text(entry)).rendered, "history")
        }
        let subject = RunEvent.Subject(stage: .join, step: StepID(text), title: text)
        let told: [RunEvent.What] = [
            .warning(subject, message: text), .stepFinished(subject, observed: text, milliseconds: 1),
            .runStopped(StepID(text), reason: text, standing: .joint),
        ]
        for what in told {
            let event = RunEvent(what, at: 1, run: text)
            Self.clean(TerminalText(HistoryText.told(event)).rendered, "history --told")
        }
    }

    @Test("nothing by what a check found")
    func preflight() throws {
        let text = HostileText.all
        let findings = [Finding.Verdict.pass, .warn, .fail, .waived].map {
            Finding(name: .seeds, title: text, verdict: $0, reason: text, remedy: text, waiver: text)
        }
        let printer = PreflightPrinter(PreflightReport(text, nil, findings))
        Self.clean(TerminalText(printer.text).rendered, "preflight")
        let json = try printer.json()
        Self.clean(json, "preflight --json")
        #expect(TerminalText(json).rendered == json)
        #expect(
            try JSONDecoder().decode(PreflightReport.self, from: Data(json.utf8)).findings.first?.reason
                == text
        )
    }

    @Test("nothing by the files and rules that a plan shows, and no secret of theirs")
    func plan() throws {
        let fixture = try RunFixture()
        let lines =
            HostileText.pieces.map { "# \($0.replacing("\n", with: " "))" } + ["ssl.keyStore.password=s3cret"]
        let content = "tickTime=2000\ndataDir=/data\nclientPort=2181\n" + lines.joined(separator: "\n") + "\n"
        let files = fixture.plan.servers.map { server in
            Survey.File(host: server.host, path: server.configPath, digest: "d", content: Data(content.utf8))
        }
        let rules = fixture.plan.destination.map {
            ($0.host, RulesPreview(backend: .nftables, text: "table inet mitosis {\n\t\(HostileText.all)\n}"))
        }
        let text = PlanText(plan: fixture.plan, survey: Survey(files: files))
            .text(rules: Dictionary(uniqueKeysWithValues: rules))
        Self.clean(TerminalText(text).rendered, "plan")
        #expect(text.contains("+server.1=") && !text.contains("s3cret"))
        #expect(
            text.contains("ssl.keyStore.password=(hidden)")
                && text.contains("\n  table inet mitosis {\n      a")
        )
    }

    // MARK: Fields of a JSON document

    private enum Step: Hashable {
        case key(String)
        case index(Int)
    }

    private static func texts(in value: Any, _ path: [Step]) -> [[Step]] {
        switch value {
        case is String: [path]
        case let object as [String: Any]:
            object.sorted { $0.key < $1.key }.flatMap { texts(in: $0.value, path + [.key($0.key)]) }
        case let array as [Any]:
            array.enumerated().flatMap { texts(in: $0.element, path + [.index($0.offset)]) }
        default: []
        }
    }

    private static func replacing(_ value: Any, at path: ArraySlice<Step>, with text: String) -> Any {
        switch (path.first, value) {
        case (nil, _): return text
        case (.key(let key)?, var object as [String: Any]):
            object[key] = object[key].map { replacing($0, at: path.dropFirst(), with: text) }
            return object
        case (.index(let index)?, var array as [Any]):
            array[index] = replacing(array[index], at: path.dropFirst(), with: text)
            return array
        default: return value
        }
    }
}
