import ArgumentParser
import Diagnostics
import Printable
import SystemCalls
import Topology

struct LatenciesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latencies",
        abstract: "Time what clients do, on every server of an ensemble, one after another.",
        discussion: """
            Creates, sets, gets, watches and deletes nodes of its own below one root, which is gone afterwards. In the manner of \
            phunt's zk-latencies. It is load: on a production ensemble begin with a small --count.

            Exits with 0 when everything was timed, with 1 when it was not, with 2 when the question cannot be asked.
            """
    )

    @OptionGroup var asked: ServerOptions
    @Option(help: "The node that holds the test's nodes; used again if it is there and empty.")
    var root = "/mitosis-latencies"
    @Option(help: "How many nodes, for each part.") var count = 1000
    @Option(help: "Bytes of each node.") var size = 25
    @Option(help: "Watches on each node.") var watches = 1
    @Flag(help: "One request at a time; else 256 on their way.") var synchronous = false
    @Flag(help: "Print one JSON document.") var json = false

    func validate() throws {
        guard NodePath.isNode(root) else {
            throw ValidationError("--root is a path such as /mitosis-latencies")
        }
        for (name, number, range) in [
            ("--count", count, 1...1_000_000), ("--size", size, 0...1_000_000),
            ("--watches", watches, 1...100),
        ] {
            guard range.contains(number) else {
                throw ValidationError("\(name) is from \(range.lowerBound) to \(range.upperBound)")
            }
        }
    }

    func run() async throws {
        let question: ServerQuestion
        do { question = try asked.question() } catch {
            Output.warn("\(error)")
            throw ExitCode(2)
        }
        var options = LatencyTest.Options()
        options.root = root
        options.count = count
        options.size = size
        options.watches = watches
        options.isSynchronous = synchronous
        options.timeout = .seconds(asked.timeout)
        options.credentials = question.credentials
        let report = await LatencyTest(question.servers, options: options, log: asked.logging.logger).report()
        let text = LatencyText(report)
        Output.write(json ? PrintableText.json(try text.json()) : text.text)
        if !report.isGood { throw ExitCode(1) }
    }
}
