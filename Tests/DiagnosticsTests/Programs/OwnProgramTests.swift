import Diagnostics
import Glibc
import Synchronization
import TestSupport
import Testing

@Suite("a program of the operator's own", .serialized, .timeLimit(.minutes(10)))
struct OwnProgramTests {
    private func run(
        _ command: [String],
        within limit: Duration = .seconds(30),
        environment: [String: String] = [:],
        while goesOn: @escaping @Sendable (Int) -> Bool = { _ in true }
    ) async -> OwnProgram.Outcome {
        await OwnProgram(command, within: limit, environment: environment).run(while: goesOn)
    }

    @Test(
        "how it ended and what it printed on both outputs is told; it is looked up in PATH, and no shell reads its words"
    )
    func ends() async {
        let good = await run(["/bin/echo", "$HOME; exit 3", "*"])
        #expect(good.ending == .exited(status: 0) && good.output == "$HOME; exit 3 *\n" && !good.isCut)
        let bad = await run(["sh", "-c", "echo one; echo two >&2; exit 3"])
        #expect(bad.ending == .exited(status: 3) && bad.output == "one\ntwo\n")
        #expect(await run(["sh", "-c", "kill -9 $$"]).ending == .signaled(number: SIGKILL))
        #expect(
            await run(["sh", "-c", "echo $MITOSIS_TEST"], environment: ["MITOSIS_TEST": "orders"]).output
                == "orders\n"
        )
    }

    @Test("a program that is not there is told by its name")
    func absent() async {
        for program in ["/nonexistent/check", "no-such-program-anywhere"] {
            guard case .notRun = await run([program]).ending else {
                Issue.record("\(program) was run")
                continue
            }
        }
    }

    @Test("nothing is waited for on its input")
    func input() async {
        #expect(await run(["cat"]).ending == .exited(status: 0))
        let told = OwnProgram(["cat"], within: .seconds(30), input: Array("told".utf8))
        #expect(await told.run { _ in true }.output == "told")
        let deaf = OwnProgram(["true"], within: .seconds(30), input: [UInt8](repeating: 65, count: 100_000))
        #expect(await deaf.run { _ in true }.ending == .exited(status: 0))
    }

    @Test("one that takes too long is ended with all that it started, and what it had printed is kept")
    func late() async throws {
        let folder = try TemporaryFolder()
        let script = "trap '' TERM; echo begun; sleep 60 & echo $! > \(folder.path)/child; wait; sleep 60"
        let outcome = await run(["sh", "-c", script], within: .seconds(1))
        #expect(outcome.ending == .late && outcome.output == "begun\n" && outcome.seconds < 20)
        let text = await run(["cat", "\(folder.path)/child"]).output
        let child = try #require(Int32(text.filter(\.isNumber)))
        for _ in 0..<200 where kill(child, 0) == 0 { usleep(20_000) }
        #expect(kill(child, 0) != 0)
    }

    @Test("it is ended when nobody wants it any more")
    func stopped() async {
        let asked = Mutex(0)
        let outcome = await run(["sleep", "60"]) { seconds in
            asked.withLock { $0 = seconds }
            return seconds < 2
        }
        #expect(outcome.ending == .stopped && outcome.seconds < 20 && asked.withLock { $0 } == 2)
    }

    @Test("of very much output the end is kept, and its length is bounded")
    func much() async {
        let outcome = await run(["sh", "-c", "yes 0123456789 | head -c 3000000; echo; echo the end"])
        #expect(outcome.ending == .exited(status: 0) && outcome.isCut)
        #expect(
            outcome.output.utf8.count == OwnProgram.mostOutput && outcome.output.hasSuffix("\nthe end\n")
        )
    }
}
