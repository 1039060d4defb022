import FoundationEssentials
import Procedure
import Synchronization
import TestSupport
import Testing

@testable import Commands

@Suite("A run's metrics in a file", .timeLimit(.minutes(10)))
struct MetricsFileTests {
    @Test(
        "the file is there before the run begins, whole and for everybody to read, and has the last of it at the end"
    )
    func file() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/mitosis.prom"
        let metrics = try MetricsFile(path, plan: "kafka-a") { Issue.record("\($0)") }
        #expect(try text(path).contains("mitosis_run_under_way"))
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o644)
        metrics.take(RunEvent(.runStarted(message: ""), at: 1, run: "1-kafka-a"))
        metrics.take(RunEvent(.stageStarted(.join, title: "Join"), at: 2, run: "1-kafka-a"))
        await metrics.close()
        // Whatever ended the run, and told nobody: with this program it is over.
        #expect(try text(path).contains("mitosis_run_under_way{plan=\"kafka-a\",run=\"1-kafka-a\"} 0"))
        #expect(try text(path).contains("stage=\"join\"} 1"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["mitosis.prom"])
    }

    @Test(
        "a file that cannot be written is refused before anything begins; one that can be no longer is told once"
    )
    func unwritable() async throws {
        let folder = try TemporaryFolder()
        #expect(throws: Complaint.self) { _ = try MetricsFile(folder.path + "/none/x", plan: "p") { _ in } }
        let place = folder.path + "/gone"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        let told = Mutex(0)
        let metrics = try MetricsFile(place + "/x", plan: "p") { _ in told.withLock { $0 += 1 } }
        try FileManager.default.removeItem(atPath: place)
        metrics.take(RunEvent(.runStarted(message: ""), at: 1, run: "1-p"))
        metrics.take(RunEvent(.runFinished(message: "", milliseconds: 1), at: 2, run: "1-p"))
        await metrics.close()
        #expect(told.withLock { $0 } == 1)
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
}
