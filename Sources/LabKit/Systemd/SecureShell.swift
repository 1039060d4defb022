internal import FoundationEssentials

/// sshd on every serving host of a lab, and on the control host what reaches it: a key, and the hosts' keys.
package struct SecureShell: Sendable {
    static let unit = "lab-sshd.service"
    /// Where a host sees its folder.
    static let place = "/etc/ssh-lab"

    private let lab: Lab

    package init(_ lab: Lab) { self.lab = lab }

    /// What the control host's ssh reads in place of /etc/ssh/ssh_config.d.
    package var clientFolder: String { lab.layout.control + "/ssh" }
    package var knownHosts: String { lab.layout.control + "/known_hosts" }
    private var identity: String { lab.layout.control + "/id_ed25519" }

    /// Why this machine has none, or nil.
    package static func obstacle() -> String? {
        ["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen"].first {
            !FileManager.default.isExecutableFile(atPath: $0)
        }.map { "\($0) is missing (apt-get install openssh-server)" }
    }

    static func folder(of files: HostLayout) -> String { files.root + "/ssh" }

    /// Keys of both sides, and sshd's settings; nobody is let in but by the control host's key.
    func prepare() async throws(LabError) {
        if let obstacle = Self.obstacle() { throw .missing(program: "sshd", remedy: obstacle) }
        try Folder.make(clientFolder)
        try await keygen(identity)
        let ownKey = try Folder.read(identity + ".pub")
        var known = ""
        for host in lab.configuration.servingHosts {
            let folder = Self.folder(of: lab.layout.host(host))
            try Folder.make(folder)
            try await keygen(folder + "/host_key")
            try Folder.write(ownKey, to: folder + "/authorized_keys")
            try Folder.write(Self.settings, to: folder + "/sshd_config")
            let key = try Folder.read(folder + "/host_key.pub").split(separator: " ").prefix(2)
            known += "\(host.ipv4) \(key.joined(separator: " "))\n"
        }
        try Folder.write(known, to: knownHosts)
        let client = """
            Host *
              UserKnownHostsFile \(knownHosts)
              GlobalKnownHostsFile /dev/null
              IdentityFile \(identity)
              IdentitiesOnly yes

            """
        try Folder.write(client, to: clientFolder + "/lab.conf")
    }

    private func keygen(_ path: String) async throws(LabError) {
        try await Tool(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path])
            .output(
                step: "making the key \(path)"
            )
    }

    private static let settings = """
        Port 22
        ListenAddress 0.0.0.0
        HostKey \(place)/host_key
        AuthorizedKeysFile \(place)/authorized_keys
        AllowUsers *
        PermitRootLogin prohibit-password
        PasswordAuthentication no
        UsePAM no
        StrictModes no
        PidFile none

        """

    static let unitText = """
        [Unit]
        Description=The lab's sshd

        [Service]
        RuntimeDirectory=sshd
        RuntimeDirectoryMode=0755
        ExecStart=/usr/sbin/sshd -D -e -f \(place)/sshd_config
        Restart=always

        """

    /// An argument list on the control host whose ssh reads the lab's settings.
    package func reaching(_ argv: [String]) -> [String] {
        let shell = "mount --bind \"$0\" /etc/ssh/ssh_config.d && exec \"$@\""
        return [
            "/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", shell, clientFolder,
        ] + argv
    }
}
