package import Settings

/// How the system's ssh is called for one host, as an argument list.
package struct SSHCommand: Hashable, Sendable {
    /// What sudo asks with, so that it can be told from everything else on standard error.
    package static let sudoPrompt = "mitosis-asks-for-sudo:"
    /// What the host's shell says once it reads.
    package static let greeting = "mitosis-host-reads"

    package let arguments: [String]

    /// ssh takes the first value that it is given: ours stand before those of the inventory, and both before its own files'.
    ///
    /// - Parameters:
    ///   - programSize: how many bytes of shell program the host is about to read.
    ///   - asksPassword: whether sudo may ask for a password; else it fails where it would.
    package init(host: InventoryHost, programSize: Int, asksPassword: Bool) {
        let ssh = host.settings.ssh
        var options = [
            "StrictHostKeyChecking=yes", "BatchMode=yes", "ConnectTimeout=\(ssh.connectSeconds ?? 10)",
            "ServerAliveInterval=10", "ServerAliveCountMax=3", "ForwardAgent=no", "ForwardX11=no",
            "PermitLocalCommand=no", "RequestTTY=no", "EscapeChar=none", "LogLevel=ERROR",
        ]
        if let port = ssh.port { options.append("Port=\(port)") }
        if let identity = ssh.identity { options += ["IdentityFile=\(identity)", "IdentitiesOnly=yes"] }
        if let jump = ssh.jump { options.append("ProxyJump=\(jump)") }
        options += ssh.options ?? []
        var arguments = options.flatMap { ["-o", $0] }
        if let user = ssh.user { arguments += ["-l", user] }
        arguments += [
            "--", host.address, Self.remote(ssh, programSize: programSize, asksPassword: asksPassword),
        ]
        self.arguments = arguments
    }

    /// Whatever the user's login shell is, it understands single quotes.
    ///
    /// `dd` reads exactly as many bytes as the program has: what follows is the program's own input.
    private static func remote(_ ssh: SSHSettings, programSize: Int, asksPassword: Bool) -> String {
        let shell =
            "/bin/sh -c 'echo \(greeting); eval \"$(dd bs=\(programSize) count=1 iflag=fullblock 2>/dev/null)\"'"
        guard ssh.sudo == true else { return "exec \(shell)" }
        return asksPassword ? "exec sudo -S -p '\(sudoPrompt)' -- \(shell)" : "exec sudo -n -- \(shell)"
    }
}
