import Glibc
import Procedure
import TestSupport
import Testing

@testable import Commands

@Suite("What the operator answers", .timeLimit(.minutes(10)))
struct AnswerReaderTests {
    private final class Ends: Sendable {
        let read: Int32
        let write: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            (read, write) = (ends[0], ends[1])
        }

        func type(_ text: String) {
            _ = Array(text.utf8).withUnsafeBytes { Glibc.write(write, $0.baseAddress, $0.count) }
        }

        deinit {
            close(read)
            close(write)
        }
    }

    @Test("one line at a time is read, and what follows is left for the next question")
    func lines() async throws {
        let (input, stop) = (try Ends(), try Ends())
        let reader = AnswerReader(input: input.read, stop: stop.read)
        input.type("yes\nno\n\n")
        #expect(await reader.line() == "yes")
        #expect(await reader.line() == "no")
        #expect(await reader.line() == "")
    }

    @Test("the end of the input is no answer")
    func end() async throws {
        let stop = try Ends()
        let nothing = open("/dev/null", O_RDONLY)
        defer { close(nothing) }
        #expect(await AnswerReader(input: nothing, stop: stop.read).line() == nil)
    }

    @Test("an answer without an end is given up")
    func endless() async throws {
        let (input, stop) = (try Ends(), try Ends())
        input.type(String(repeating: "y", count: 5000))
        #expect(await AnswerReader(input: input.read, stop: stop.read).line() == nil)
    }

    @Test("a wish to stop ends the wait, also when it came before the question")
    func stopped() async throws {
        let (input, stop) = (try Ends(), try Ends())
        let reader = AnswerReader(input: input.read, stop: stop.read)
        async let answer = reader.line()
        stop.type("!")
        #expect(await answer == nil)
        #expect(await reader.line() == nil)
    }

    @Test("Ctrl-C at the question is a no, at the first time", arguments: [SIGINT, SIGTERM])
    func signalled(number: Int32) async throws {
        let folder = try TemporaryFolder()
        let asked = folder.path + "/asked"
        let answered = folder.path + "/answered"
        let child = try ChildTest.start("asksAQuestion", folder.path)
        while access(asked, F_OK) != 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await !child.ends(within: .milliseconds(200)))
        child.signal(number)
        #expect(try await child.ends(within: .seconds(10)))
        #expect(access(answered, F_OK) == 0)
    }

    @Test("(the program that is sent the signal)", .enabled(if: ChildTest.isRunning("asksAQuestion")))
    func asksAQuestion() async throws {
        StopSignal.install()
        #expect(StopSignal.request == .none)
        async let answer = AnswerReader(input: STDIN_FILENO, stop: StopSignal.descriptor).line()
        try Self.touch(ChildTest.parameter + "/asked")
        guard await answer == nil, StopSignal.request == .atRestingPlace() else { return }
        try Self.touch(ChildTest.parameter + "/answered")
    }

    private static func touch(_ path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        try #require(file >= 0)
        close(file)
    }
}
