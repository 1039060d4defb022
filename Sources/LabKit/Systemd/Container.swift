private import Glibc

/// A host with a systemd of its own: systemd-nspawn over a throw-away overlay of this machine's files.
///
/// The view of this machine's root that the overlay lies on is mounted in a mount namespace that only the
/// container has: it vanishes with it, and nothing that clears the lab's folder can ever reach through it.
package struct Container: Codable, Sendable {
    /// The name of the machine, of its namespace and of its control group.
    package let name: String
    package let host: String
    package let layout: String
    package let programs: String
    package let mounts: [String]

    package init(_ host: LabHost, in lab: Lab, folders: [String]) {
        let files = lab.layout.host(host)
        let view = HostView(files, mode: .systemd, program: host.program)
        name = lab.namespace(of: host)
        self.host = host.name
        layout = files.root
        programs = lab.binaries.directory
        let own =
            switch host.program {
            case .zooKeeper:
                [
                    "--bind=\(files.root)/etc/zookeeper:/etc/zookeeper/conf",
                    "--bind=\(files.data):\(view.zooKeeperData)",
                ]
            case .kafka:
                ["--bind=\(files.root)/etc/kafka:/etc/kafka", "--bind=\(files.data):\(view.kafkaData)"]
            case .application: ["--bind=\(files.root)/etc/app:\(view.applicationFolder)"]
            }
        // What an installation makes must be its own to remove.
        let agent =
            lab.configuration.agents
            ? [
                "--bind=\(files.root)/etc/mitosis:/etc/mitosis",
                "--bind=\(files.state):\(view.agentState)",
            ] : []
        let ssh =
            lab.configuration.sshd
            ? ["--bind-ro=\(SecureShell.folder(of: files)):\(SecureShell.place)"] : []
        mounts =
            own + agent + ssh + [
                "--bind=\(files.units):/etc/systemd/system",
                "--bind=\(files.logs):\(files.logs)",
                "--bind-ro=\(files.machineID):/etc/machine-id",
                // The programs may lie behind a mount that a plain view of the root does not show.
                "--bind-ro=\(programs):\(programs)",
            ] + folders.map { "--bind-ro=\($0):\($0)" }
    }

    package var files: HostLayout { HostLayout(root: layout) }

    /// Replaces this process by the container; it must be in a mount namespace of its own.
    package func boot() async throws(LabError) {
        try ControlGroup(name: name).enter()
        try await Tool(["/usr/bin/mount", "--bind", "/", files.rootView]).output(
            step: "mounting the root's view"
        )
        let argv =
            [
                "/usr/bin/systemd-nspawn", "--quiet", "--boot", "--directory=\(files.rootView)",
                "--volatile=overlay", "--machine=\(name)", "--hostname=\(host)",
                "--network-namespace-path=/run/netns/\(name)",
                "--capability=CAP_NET_ADMIN,CAP_NET_RAW,CAP_SYS_NICE", "--register=no", "--keep-unit",
                "--link-journal=no", "--console=pipe", "--timezone=off", "--resolv-conf=off",
            ] + mounts + ["--", "--unit=lab.target"]
        var arguments: [UnsafeMutablePointer<CChar>?] = argv.map { strdup($0) } + [nil]
        execv(argv[0], &arguments)
        throw .unstartable(program: argv[0], errno: errno)
    }
}
