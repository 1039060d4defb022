import ArgumentParser
import Diagnostics
import Printable
import SystemCalls
import Topology

struct SmokeTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "smoketest",
        abstract: "Try an ensemble as its clients use it, on every server.",
        discussion: """
            A session with every server before anything is written; an ephemeral node made through each; each server, after a \
            sync, shows all of them; each is told of every deletion, in order. Nothing stays. In the manner of phunt's \
            zk-smoketest.

            Exits with 0 when every server did all of it, with 1 when one did not, with 2 when the question cannot be asked.
            """
    )

    @OptionGroup var asked: ServerOptions
    @Option(help: "The node that holds the test's nodes; used again if it is there and empty.")
    var root = "/mitosis-smoketest"
    @Flag(help: "Print one JSON document.") var json = false

    func validate() throws {
        guard NodePath.isNode(root) else {
            throw ValidationError("--root is a path such as /mitosis-smoketest")
        }
    }

    func run() async throws {
        let question: ServerQuestion
        do { question = try asked.question() } catch {
            Output.warn("\(error)")
            throw ExitCode(2)
        }
        var options = SmokeTest.Options()
        options.root = root
        options.timeout = .seconds(asked.timeout)
        options.credentials = question.credentials
        let report = await SmokeTest(question.servers, options: options, log: asked.logging.logger).report()
        let text = SmokeText(report)
        Output.write(json ? PrintableText.json(try text.json()) : text.text)
        if !report.isGood { throw ExitCode(1) }
    }
}
