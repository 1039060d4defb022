package import Settings
import Subprocess
import SystemPackage
import Topology

/// How the system's ssh is called for one host, as an argument list.
package struct SSHCommand: Hashable, Sendable {
    /// What sudo asks with, so that it can be told from everything else on standard error.
    package static let sudoPrompt = "mitosis-asks-for-sudo:"
    /// What the host's shell says once it reads.
    package static let greeting = "mitosis-host-reads"

    package let arguments: [String]

    /// A shell program that the host reads from standard input.
    ///
    /// `dd` takes exactly as many bytes as it has; what follows is the program's own input. Whatever the user's login shell is, it understands single quotes.
    ///
    /// ssh takes the first value that it is given: ours stand before those of the inventory, and both before its own files'.
    ///
    /// - Parameters:
    ///   - programSize: how many bytes of shell program the host is about to read.
    ///   - asksPassword: whether sudo may ask for a password; else it fails where it would.
    package init(host: InventoryHost, programSize: Int, asksPassword: Bool) {
        let shell =
            "/bin/sh -c 'echo \(Self.greeting); eval \"$(dd bs=\(programSize) count=1 iflag=fullblock 2>/dev/null)\"'"
        self.init(host: host, remote: shell, asksPassword: asksPassword)
    }

    /// One program on the host, as root.
    ///
    /// - Parameter words: the program and its arguments, of letters, digits and `-/._` only, for what the user's login shell makes
    ///   of anything else is not known.
    package init(host: InventoryHost, running words: [String], asksPassword: Bool) {
        self.init(host: host, remote: words.joined(separator: " "), asksPassword: asksPassword)
    }

    private init(host: InventoryHost, remote: String, asksPassword: Bool) {
        let ssh = host.settings.ssh
        var options = [
            "StrictHostKeyChecking=yes", "BatchMode=yes", "ConnectTimeout=\(ssh.connectSeconds ?? 10)",
            "ServerAliveInterval=10", "ServerAliveCountMax=3", "ForwardAgent=no", "ForwardX11=no",
            "PermitLocalCommand=no", "RequestTTY=no", "EscapeChar=none", "LogLevel=ERROR",
        ]
        if let port = ssh.port { options.append("Port=\(port)") }
        if let identity = ssh.identity { options += ["IdentityFile=\(identity)", "IdentitiesOnly=yes"] }
        if let jumps = ssh.jump {
            let passing = Self.passing(jumps[...], ssh)
            options.append(passing.map { "ProxyCommand=\($0)" } ?? "ProxyJump=none")
        }
        options += ssh.options ?? []
        var arguments = options.flatMap { ["-o", $0] }
        if let user = ssh.user { arguments += ["-l", user] }
        arguments += [
            "--", host.address, Self.asRoot(remote, ssh, asksPassword: asksPassword),
        ]
        self.arguments = arguments
    }

    /// What stands in for ProxyJump, whose own ssh would neither check host keys as strictly nor keep from asking.
    ///
    /// A shell runs it, after ssh has put the host and the port beyond in their places; what is passed before, that ssh's own
    /// such command, is one word of it.
    private static func passing(_ jumps: ArraySlice<SSHJump>, _ ssh: SSHSettings) -> String? {
        guard let last = jumps.last else { return nil }
        var options = [
            "StrictHostKeyChecking=yes", "BatchMode=yes", "ConnectTimeout=\(ssh.connectSeconds ?? 10)",
            "ServerAliveInterval=10", "ServerAliveCountMax=3", "ForwardAgent=no", "ForwardX11=no",
            "PermitLocalCommand=no", "LogLevel=ERROR",
        ]
        if let former = passing(jumps.dropLast(), ssh) {
            options.append(HostProgram.quoted("ProxyCommand=\(former.replacing("%", with: "%%"))"))
        }
        var words = ["ssh"] + options.flatMap { ["-o", $0] }
        if let user = last.user { words += ["-l", user] }
        if let port = last.port { words += ["-p", port.description] }
        return (words + ["-W", "'[%h]:%p'", "--", last.host]).joined(separator: " ")
    }

    private static func asRoot(_ command: String, _ ssh: SSHSettings, asksPassword: Bool) -> String {
        guard ssh.sudo == true else { return "exec \(command)" }
        return asksPassword ? "exec sudo -S -p '\(sudoPrompt)' -- \(command)" : "exec sudo -n -- \(command)"
    }

    /// - Parameter ssh: a path, or a name that is looked for as a shell does.
    static func executable(_ ssh: String) -> Executable {
        ssh.contains("/") ? .path(FilePath(ssh)) : .name(ssh)
    }

    /// One that is not to go on is asked to end, then killed.
    static var platformOptions: PlatformOptions {
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .milliseconds(500))]
        return options
    }
}
