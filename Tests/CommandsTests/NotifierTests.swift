import FoundationEssentials
import Procedure
import Synchronization
import TestSupport
import Testing

@testable import Commands

@Suite("Who is told of a run's events", .serialized, .timeLimit(.minutes(10)))
struct NotifierTests {
    private func program(_ script: String, in folder: TemporaryFolder) throws -> String {
        let path = try folder.write("#!/bin/sh\n\(script)\n", to: "notice")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        return path
    }

    private func read(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    private func event(_ what: RunEvent.What) -> RunEvent { RunEvent(what, at: 1, run: "r1") }

    private static let join = RunEvent.Subject(stage: .join, title: "Write files")

    @Test(
        "stages, questions, stops and the end, each with its event as JSON and its name in the environment, in their order"
    )
    func told() async throws {
        let folder = try TemporaryFolder()
        let path = try program(
            "echo \"$1/$2 $MITOSIS_EVENT $MITOSIS_RUN $MITOSIS_STAGE $(cat)\" >> \(folder.path)/said",
            in: folder
        )
        let notifier = Notifier([path, "-t", "two words"]) { Issue.record("\($0)") }
        notifier.take(event(.stageStarted(.join, title: "Join")))
        let untold: [RunEvent.What] = [
            .stepStarted(Self.join), .stepProgress(Self.join, message: ""),
            .stepWaiting(Self.join, message: ""),
            .stepFinished(Self.join, observed: "", milliseconds: 1), .warning(Self.join, message: ""),
        ]
        for what in untold { notifier.take(event(what)) }
        notifier.take(event(.confirmationNeeded(.division, question: "Divide \"now\"?")))
        notifier.take(event(.runStopped(nil, reason: "why", standing: .joint)))
        await notifier.close()
        #expect(
            try read(folder.path + "/said") == """
                -t/two words stageStarted r1 join {"at":1,"event":"stageStarted","run":"r1","stage":"join","title":"Join"}
                -t/two words confirmationNeeded r1 division {"at":1,"event":"confirmationNeeded","message":"Divide \\"now\\"?","run":"r1","stage":"division"}
                -t/two words runStopped r1  {"at":1,"event":"runStopped","message":"why","run":"r1","standing":"joint"}

                """
        )
    }

    @Test(
        "one that fails, hangs or is not there is a line of warning, and the next event is told all the same"
    )
    func failing() async throws {
        let folder = try TemporaryFolder()
        let script =
            "case $MITOSIS_EVENT in runStarted) exit 3;; stageStarted) sleep 60;; *) touch \(folder.path)/last;; esac"
        let path = try program(script, in: folder)
        let warnings = Mutex<[String]>([])
        let notifier = Notifier([path], within: .milliseconds(500)) { text in
            warnings.withLock { $0.append(text) }
        }
        let told: [RunEvent.What] = [
            .runStarted(message: ""), .stageStarted(.join, title: ""),
            .runFinished(message: "", milliseconds: 1),
        ]
        for what in told { notifier.take(event(what)) }
        await notifier.close()
        let said = warnings.withLock { $0 }
        #expect(
            said.count == 2 && said[0].contains("runStarted: it exited with 3; the run goes on"),
            "\(said)"
        )
        #expect(said.last?.contains("stageStarted: it had not ended after 0.5 s") == true, "\(said)")
        #expect(FileManager.default.fileExists(atPath: folder.path + "/last"))
        #expect(throws: Complaint.self) { try Notifier.check([folder.path + "/absent"]) }
        #expect(throws: Complaint.self) { try Notifier.check([""]) }
        try Notifier.check([path])
        try Notifier.check(["a-name-alone", "-t", "two words"])
        // No shell takes a text apart.
        #expect(throws: Complaint.self) { try Notifier.check(["logger -t mitosis"]) }
    }

    @Test("taking an event waits for nobody, and the end of a run waits only so long")
    func hanging() async throws {
        let folder = try TemporaryFolder()
        let path = try program("sleep 60", in: folder)
        let notifier = Notifier([path]) { _ in }
        let began = ContinuousClock.now
        for _ in 0..<1000 { notifier.take(event(.stageStarted(.join, title: ""))) }
        #expect(began.duration(to: .now) < .seconds(2))
        await notifier.close(within: .seconds(1))
        #expect(began.duration(to: .now) < .seconds(10))
    }
}
