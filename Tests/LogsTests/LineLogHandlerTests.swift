import Logging
import Logs
import Synchronization
import TestSupport
import Testing

@Suite("Log lines")
struct LineLogHandlerTests {
    private final class Lines: Sendable {
        private let kept = Mutex<[String]>([])

        var all: [String] { kept.withLock { $0 } }

        func logger(_ level: LogLevel = .debug) -> Logger {
            Logger(label: "test") { _ in
                LineLogHandler(level: level) { line in self.kept.withLock { $0.append(line) } }
            }
        }
    }

    @Test("a line is its level, its message, and its fields in the order of the code")
    func order() {
        let lines = Lines()
        let log = lines.logger()
        log.info("mitosis-agent ends")
        log.warning("rules", fields: ["wanted": "all", "found": "none", "a": "1", "b": ""])
        log.error("no", fields: ["z": "1", "y": "2"])
        log.debug("yes", fields: ["m": "5%"])
        #expect(
            lines.all == [
                "info mitosis-agent ends", #"warning rules wanted=all found=none a=1 b="""#,
                "error no z=1 y=2", "debug yes m=5%",
            ]
        )
    }

    @Test("foreign text neither starts a line nor forges a field")
    func foreign() {
        let lines = Lines()
        let log = lines.logger()
        log.info("one\ntwo \"three\"", fields: ["peer": "x y=\"z\"\\\n\u{1B}[0m\u{2028}"])
        #expect(
            lines.all == [
                #"info one\ntwo "three" peer="x y=\"z\"\\\n\u{1B}[0m\u{2028}""#
            ]
        )
    }

    @Test(
        "nothing of a foreign message or value moves a cursor, turns the direction of writing or hides",
        arguments: [1, 2]
    )
    func hostile(times: Int) {
        let lines = Lines()
        let text = String(repeating: HostileText.all, count: times)
        lines.logger().info(text, fields: ["peer": text, "quoted": "\"\u{308} x=\u{202E}"])
        #expect(lines.all.count == 1)
        #expect(lines.all.allSatisfy { HostileText.offences(in: $0).isEmpty && !$0.contains("\n") })
        #expect(lines.all.first?.hasSuffix(#" quoted="\""# + "\u{308}" + #" x=\u{202E}""#) == true)
    }

    @Test("a message and a value without an end are cut, and say so")
    func endless() {
        let lines = Lines()
        let text = String(repeating: "x", count: 100_000)
        lines.logger().info(text, fields: ["a": text])
        let cut = String(repeating: "x", count: 4000) + " [and 96000 more characters]"
        #expect(lines.all == ["info \(cut) a=\"\(cut)\""])
    }

    @Test("what is below the level is neither written nor put together")
    func level() {
        let lines = Lines()
        let log = lines.logger(.warning)
        func fields() -> KeyValuePairs<String, String> {
            Issue.record("put together")
            return [:]
        }
        log.debug("no", fields: fields())
        log.info("no", fields: fields())
        log.info("no")
        log.warning("yes", fields: [:])
        #expect(lines.all == ["warning yes"])
    }

    @Test("a logger's own metadata comes before a line's, and gives way to it")
    func ownMetadata() {
        let lines = Lines()
        var log = lines.logger()
        log[metadataKey: "run"] = "r1"
        log[metadataKey: "host"] = "s1"
        log.info("one", fields: ["b": "2", "host": "s2"])
        log.info("two", metadata: ["y": "1", "x": "2"])
        #expect(lines.all == ["info one run=r1 b=2 host=s2", "info two host=s1 run=r1 x=2 y=1"])
    }

    @Test("the silent logger says nothing, at any level")
    func silent() {
        var log = Logger.silent
        log.logLevel = .trace
        log.error("no", fields: ["a": "b"])
        #expect(log.logLevel == .critical)
    }
}
