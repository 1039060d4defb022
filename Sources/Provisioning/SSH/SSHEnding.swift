import Printable

/// How a session ended that did not end by our leave.
package struct SSHEnding: Hashable, Sendable {
    /// Nil when the time was up.
    package let status: Int32?
    /// The last that was said on standard error.
    package let errors: String

    package init(status: Int32?, errors: String) {
        self.status = status
        self.errors = errors
    }

    /// What went wrong, and what to do.
    package func reason(host address: String, greeted: Bool, seconds: Int) -> String {
        let said = PrintableText(last, limit: 400).description
        guard let status else {
            return
                "nothing came of it within \(seconds) s; see whether the host is busy, or give it more with --host-seconds"
        }
        if greeted {
            return
                "the connection broke (\(said.isEmpty ? "status \(status)" : said)); repeat the command, which takes up where this ended"
        }
        if errors.contains("Host key verification failed") || errors.contains("host key is known for") {
            return changedKey
                ? "its host key is not the one that known_hosts has (\(said)); find out why before anything else, then correct known_hosts"
                : "its host key is not known: compare `ssh-keyscan \(address)` with the host's own /etc/ssh/ssh_host_*_key.pub, then add "
                    + "it to known_hosts; it is never accepted unseen"
        }
        if errors.contains("Permission denied") {
            return
                "ssh was not let in (\(said)); see ssh.user and ssh.identity, or load the key into your agent"
        }
        if errors.contains("a password is required") || errors.contains("a terminal is required") {
            return
                "sudo wants a password there: give --ask-sudo-password, or allow the user to become root without one"
        }
        if errors.contains("incorrect password attempt") || errors.contains("no password was provided") {
            return "sudo did not take the password; type it again"
        }
        if errors.contains("not in the sudoers") || errors.contains("not allowed to execute") {
            return
                "the user may not become root (\(said)); root is needed: name another ssh.user, or allow it in sudoers"
        }
        return "ssh ended with status \(status): \(said.isEmpty ? "it said nothing" : said)"
    }

    private var changedKey: Bool { errors.contains("HOST IDENTIFICATION HAS CHANGED") }

    private var last: String {
        errors.split(separator: "\n").suffix(3).joined(separator: " / ")
    }
}
