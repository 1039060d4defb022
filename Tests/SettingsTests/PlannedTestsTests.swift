import Settings
import Testing

@Suite("the operator's own tests in plan files")
struct PlannedTestsTests {
    private func read(_ text: String) throws -> MigrationPlan {
        try PlanReader.read(try YAMLDocument(bytes: Array((PlanText.servers + text).utf8), file: "plan.yaml"))
    }

    @Test("without the section there are none")
    func none() throws { #expect(try read("").tests.isEmpty) }

    @Test("each key is read, and a test may have several moments")
    func keys() throws {
        let tests = try read(
            """
            tests:
              - {name: orders, run: [/usr/local/bin/check-orders, --quick, "a b"], seconds: 20, when: [before, joint, divided, after]}
              - {name: lag, run: [check-lag], when: [after, after]}
            """
        ).tests
        #expect(tests.map(\.name) == ["orders", "lag"])
        #expect(tests[0].command == ["/usr/local/bin/check-orders", "--quick", "a b"])
        #expect(tests[0].limit == .seconds(20) && tests[1].limit == .seconds(300))
        #expect(tests[0].moments == [.before, .joint, .divided, .after] && tests[1].moments == [.after])
    }

    @Test(
        "a test without a name, a program, a moment or a time, or of the same name, is a mistake with its line and a remedy",
        arguments: [
            ("[{run: [a], when: [joint]}]", "name"), ("[{name: 'A b', run: [a], when: [joint]}]", "a-z"),
            ("[{name: a, when: [joint]}]", "run"),
            ("[{name: a, run: [], when: [joint]}]", "names no program"),
            ("[{name: a, run: [''], when: [joint]}]", "must be text"),
            ("[{name: a, run: a b, when: [joint]}]", "run"),
            ("[{name: a, run: [bin/a], when: [joint]}]", "from '/'"), ("[{name: a, run: [a]}]", "when"),
            ("[{name: a, run: [a], when: []}]", "never be run"),
            ("[{name: a, run: [a], when: [division]}]", "before, joint, divided, after"),
            ("[{name: a, run: [a], when: [joint], seconds: 0}]", "1"),
            ("[{name: a, run: [a], when: [joint], seconds: 86401}]", "86400"),
            ("[{name: a, run: [a], when: [joint], shell: true}]", "shell"),
            ("[{name: a, run: [a], when: [joint]}, {name: a, run: [b], when: [after]}]", "a name of its own"),
            ("{}", "tests"),
        ]
    )
    func mistakes(_ text: String, _ word: String) throws {
        do {
            _ = try read("tests: \(text)\n")
            Issue.record("\(text) was taken")
        } catch {
            #expect("\(error)".contains(":14: ") && "\(error)".contains(word), "\(error)")
        }
    }

    @Test("more than twenty are refused")
    func tooMany() throws {
        let many = (0...20).map { "{name: t\($0), run: [a], when: [joint]}" }.joined(separator: ", ")
        #expect(throws: PlanError.self) { try read("tests: [\(many)]\n") }
    }
}
