import Settings
import Testing

@Suite("Questions that a plan leaves open")
struct OpenQuestionsTests {
    private func read(_ text: String) throws -> MigrationPlan {
        try PlanReader.read(try YAMLDocument(bytes: Array((PlanText.servers + text).utf8), file: "p"))
    }

    @Test("each is refused with its own line and what it asks")
    func open() throws {
        do {
            _ = try read("questions:\n  - \"which of the two clusters moves?\"\n  - And when?\n")
            Issue.record("the plan was taken")
        } catch let error as PlanError {
            #expect(
                error.description
                    == "p:15: open question: which of the two clusters moves? Answer it in the plan, and remove this line.\n"
                    + "p:16: open question: And when? Answer it in the plan, and remove this line."
            )
        }
    }

    @Test("an empty list is a plan like any other")
    func answered() throws {
        #expect(try read("questions: []\n").source == read("").source)
    }

    @Test(
        "what is no list of texts is a mistake",
        arguments: ["questions: one\n", "questions: {a: b}\n", "questions: [[]]\n", "questions: ['']\n"]
    )
    func forms(_ text: String) throws {
        #expect(throws: PlanError.self) { try read(text) }
    }

    @Test("more than a thousand are not gone through one by one")
    func tooMany() throws {
        let many = "questions:\n" + String(repeating: "  - q\n", count: 1001)
        do {
            _ = try read(many)
            Issue.record("the plan was taken")
        } catch {
            #expect(
                "\(error)".hasSuffix(": 'questions' has more than 1000 items. Keep to what is needed."),
                "\(error)"
            )
        }
    }
}
