import LabKit
import Testing

/// What counts as run, where documented commands are compared with those that tests have run.
@Suite("Commands of ours that tests have run")
struct CommandTraceTests {
    @Test("a command counts by its words, whatever enters the host before it")
    func entered() {
        let words = ["/usr/bin/mitosis-agent", "orders", "list"]
        #expect(CommandTrace.commands(of: words, status: 1) == [words])
        let inside = ["/usr/bin/nsenter", "--target", "7", "--mount", "--"]
        #expect(CommandTrace.commands(of: inside + words, status: 0) == [words])
        #expect(CommandTrace.commands(of: words, status: nil) == [words])
        #expect(CommandTrace.commands(of: ["mitosis", "status"], status: 0) == [["mitosis", "status"]])
    }

    @Test("words that were not understood, and a program's name among another's words, count for nothing")
    func notRun() {
        let words = ["/usr/bin/mitosis", "pki", "issue", "viewer", "x", "--days", "0"]
        #expect(CommandTrace.commands(of: words, status: 64) == [])
        #expect(CommandTrace.commands(of: ["/bin/sh"] + words, status: 127) == [])
        #expect(CommandTrace.commands(of: ["dpkg", "--remove", "mitosis", "mitosis-agent"], status: 0) == [])
    }

    @Test("a shell's script counts when it is commands one after another, and the last succeeded")
    func script() {
        let shell = ["/usr/bin/env", "-C", "/tmp", "/bin/sh", "-c"]
        #expect(
            CommandTrace.commands(
                of: shell + ["mitosis pki init && mitosis pki issue agent 'zk[1-9]'"],
                status: 0
            )
                == [["mitosis", "pki", "init"], ["mitosis", "pki", "issue", "agent", "zk[1-9]"]]
        )
        #expect(CommandTrace.commands(of: shell + ["cd /etc && mitosis-agent --check"], status: 1) == [])
        for script in ["mitosis pki list | grep x", "false || mitosis pki list", "x=1; mitosis pki list"] {
            #expect(CommandTrace.commands(of: shell + [script], status: 0) == [], "\(script)")
        }
        let terminal = ["script", "-qec", "/usr/bin/mitosis run p.yaml --no-live", "/dev/null"]
        #expect(
            CommandTrace.commands(of: terminal, status: 0)
                == [["/usr/bin/mitosis", "run", "p.yaml", "--no-live"]]
        )
        #expect(CommandTrace.commands(of: terminal, status: 1) == [])
    }
}
