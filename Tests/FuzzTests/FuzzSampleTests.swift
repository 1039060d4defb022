import Foundation
import Testing

/// `mitosis-fuzz` beside this program, for seconds: the sample of `make fuzz` that every test run takes.
@Suite("A sample of make fuzz", .timeLimit(.minutes(15)))
struct FuzzSampleTests {
    private struct Ended {
        let status: Int32
        let output: String
    }

    private static func fuzz(_ arguments: [String]) throws -> Ended {
        let own = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let process = Process()
        process.executableURL = own.deletingLastPathComponent().appending(path: "mitosis-fuzz")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return Ended(status: process.terminationStatus, output: output)
    }

    private static func folder() -> String {
        FileManager.default.temporaryDirectory.path + "/mitosis-fuzz-\(UInt64.random(in: 0 ... .max))"
    }

    @Test(
        "no reader crashes, hangs or keeps growing, with a fixed seed and with one by chance",
        arguments: [20_260_101, UInt64.random(in: 0..<1 << 48)]
    )
    func sample(seed: UInt64) throws {
        let kept = Self.folder()
        let ended = try Self.fuzz(["--seconds", "24", "--seed", "\(seed)", "--kept", kept])
        print(ended.output)
        #expect(ended.status == 0, "\(ended.output)")
        // What did harm stays there, to be repeated.
        if ended.status == 0, FileManager.default.fileExists(atPath: kept) {
            try FileManager.default.removeItem(atPath: kept)
        }
    }

    @Test(
        "planted faults are found: a trap, a loop without end, memory that grows; and what was kept repeats the trap"
    )
    func planted() throws {
        let kept = Self.folder()
        defer {
            do { try FileManager.default.removeItem(atPath: kept) } catch {
                print("left behind: \(kept): \(error)")
            }
        }
        let ended = try Self.fuzz([
            "--planted", "--executions", "12000", "--seconds", "600", "--seed", "7", "--kept", kept,
        ])
        #expect(ended.status == 0, "\(ended.output)")
        for part in ["CRASH by signal", "HANG after", "memory grew by", "every planted fault was found"] {
            #expect(ended.output.contains(part), "\(part) in \(ended.output)")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: kept)
        let input = try #require(names.first { $0.hasPrefix("planted-crash-") })
        #expect(try Self.fuzz(["--target", "planted-crash", "--replay", kept + "/" + input]).status != 0)
        let sound = try Self.fuzz(["--target", "server-properties", "--replay", kept + "/" + input])
        #expect(sound.status == 0 && sound.output.hasPrefix("server-properties: "))
    }
}
