import Glibc
import Logging
import Logs
import SystemCalls

/// What `mitosis-agent provision` says: to whoever called it, and into the host's own log, where it stays.
enum ProvisionLog {
    static func logger() -> Logger {
        Logger(label: "mitosis-agent") { _ in LineLogHandler { tell($0) } }
    }

    private static func tell(_ line: String) {
        DescriptorOutput.tell(line + "\n", to: STDERR_FILENO)
        line.withCString { text in
            withVaList([text]) { vsyslog(LOG_INFO | LOG_DAEMON, "%s", $0) }
        }
    }
}
