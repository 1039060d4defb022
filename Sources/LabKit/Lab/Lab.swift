internal import FoundationEssentials
private import Glibc
internal import SystemCalls

/// An example set-up on this machine: source, destination, control and client hosts, each with a network of
/// its own.
///
/// `up` may be called whatever an earlier run left behind, and replaces a lab of the same name.
package struct Lab: Sendable {
    package let configuration: LabConfiguration
    package let binaries: Binaries
    package let layout: LabLayout
    package let network: TestNetwork
    /// Told what is being done, a line at a time.
    package let report: @Sendable (String) -> Void

    package init(
        _ configuration: LabConfiguration,
        binaries: Binaries,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.binaries = binaries
        self.report = report
        layout = LabLayout(root: configuration.directory)
        network = TestNetwork(prefix: configuration.prefix, hosts: configuration.hosts.map(\.networkHost))
    }

    /// The lab that was set up in `directory`.
    package static func open(
        _ directory: String,
        binaries: Binaries,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(LabError) -> Lab {
        let path = LabLayout(root: directory).configuration
        guard let configuration = try RecordFile.read(LabConfiguration.self, at: path) else {
            throw .noLab(path: directory)
        }
        return Lab(configuration, binaries: binaries, report: report)
    }

    package func namespace(of host: LabHost) -> String { network.namespace(of: host.name) }

    /// Runs a program on a host, to its end.
    package func run(_ argv: [String], on host: LabHost) async throws(LabError) -> Tool.Outcome {
        try await Tool(argv, namespace: namespace(of: host)).outcome()
    }

    /// Starts a process on a host that outlives this one; its record is written before this returns.
    ///
    /// Another program does it, so that the process is nobody's child here and never a zombie.
    func launch(_ argv: [String], on host: LabHost, record: String, log: String) async throws(LabError) {
        let place = ["--namespace", namespace(of: host), "--record", record, "--log", log, "--"]
        try await Tool([binaries.lab, "launch"] + place + argv).output(step: "starting \(argv[0])")
    }

    package func up() async throws {
        try checkMachine()
        try prepareFolder()
        let lock = try LabLock(now: layout.lock)
        defer { withExtendedLifetime(lock) {} }
        try await removeRunning()
        try clearFolder()
        let kafka = try await prepareKafka()
        try await prepareZooKeeper()
        // First what is to be made, then the making: a crash leaves nothing that `down` cannot find.
        try RecordFile.write(configuration, at: layout.configuration)
        report("hosts: \(configuration.hosts.map(\.name).joined(separator: " ")), each a network namespace")
        try await network.up()
        for folder in [layout.control, layout.client] { try Folder.make(folder) }
        try await prepareFaults()
        try writeHosts(kafka)
        if configuration.agents { try await prepareAgents() }
        if configuration.sshd { try await SecureShell(self).prepare() }
        switch configuration.mode {
        case .processes: break
        case .systemd: try await bootContainers(seconds: 90)
        }
        report("ZooKeeper: starting the source on \(names(configuration.sourceHosts))")
        for host in configuration.sourceHosts { try await startZooKeeper(on: host) }
        try await waitUntilServing(.source, seconds: 60)
        try await fill()
        if configuration.agents { try await startAgents() }
        if let kafka { try await startBrokers(kafka) }
        try await startApplications()
        report("everything is in \(configuration.directory)")
    }

    /// Ends every process and removes every namespace; the folder stays unless `purge`.
    package func down(purge: Bool = false) async throws {
        guard FileManager.default.fileExists(atPath: layout.marker) else {
            try await removeRunning()
            return
        }
        let lock = try LabLock(now: layout.lock)
        defer { withExtendedLifetime(lock) {} }
        try await removeRunning()
        guard purge else { return }
        try requireNoMounts()
        try Folder.remove(layout.root)
    }

    private func checkMachine() throws(LabError) {
        guard geteuid() == 0 else {
            throw .invalid(reason: "a lab makes network namespaces and firewall rules: run it as root")
        }
        let wanted = [
            ("/usr/bin/java", "openjdk-17-jre-headless"),
            (ZooKeeperServer.jar, "zookeeper"),
            ("/usr/share/java/slf4j-simple.jar", "libslf4j-java"),
            ("/usr/bin/nsenter", "util-linux"),
            ("/usr/bin/python3", "python3"),
            ("/usr/lib/python3/dist-packages/kazoo", "python3-kazoo"),
        ]
        for (path, package) in wanted where !FileManager.default.fileExists(atPath: path) {
            throw .missing(program: path, remedy: "apt-get install \(package)")
        }
    }

    private func prepareFolder() throws(LabError) {
        if try !Folder.entries(layout.root).isEmpty, !FileManager.default.fileExists(atPath: layout.marker) {
            throw .foreignDirectory(path: layout.root)
        }
        try Folder.make(layout.root)
        try Folder.write("made by mitosis-lab\n", to: layout.marker)
    }

    /// Nothing is removed through a mount, ever.
    private func requireNoMounts() throws(LabError) {
        let mounts = (KernelText.read("/proc/self/mountinfo") ?? "").split(separator: "\n")
        for mount in mounts.compactMap({ $0.split(separator: " ").dropFirst(4).first })
        where mount == layout.root || mount.hasPrefix(layout.root + "/") {
            throw .file(
                path: String(mount),
                reason: "is a mount, and the lab's folder is not removed through it"
            )
        }
    }

    private func clearFolder() throws(LabError) {
        try requireNoMounts()
        let kept = [layout.marker, layout.lock]
        for entry in try Folder.entries(layout.root) where !kept.contains(layout.root + "/" + entry) {
            try Folder.remove(layout.root + "/" + entry)
        }
    }

    private func writeHosts(_ kafka: KafkaDistribution?) throws(LabError) {
        let scripts = [
            ("workload.py", PackageResources.workload_py), ("ensemble.py", PackageResources.ensemble_py),
            ("brokers.py", PackageResources.brokers_py), ("produce.py", PackageResources.produce_py),
            ("consume.py", PackageResources.consume_py), ("fill.py", PackageResources.fill_py),
        ]
        for (name, bytes) in scripts {
            try Folder.write(String(decoding: bytes, as: UTF8.self), to: layout.script(name))
        }
        for host in configuration.zooKeeperHosts {
            let files = layout.host(host)
            for folder in files.folders(for: .zooKeeper) { try Folder.make(folder) }
            let side = configuration.hosts(of: host.side)
            let view = view(of: host)
            let distribution = try distribution(of: host)
            let text = ZooKeeperServer.configuration(
                of: host,
                in: side,
                data: view.zooKeeperData,
                sessions: configuration.filling.sessions,
                settings: configuration.shape?.settings[host.name]
            )
            try Folder.write(text, to: files.zooKeeperConfiguration)
            try Folder.write("\(host.id ?? 0)\n", to: files.data + "/myid")
            let command = ZooKeeperServer.command(
                configuration: view.zooKeeperConfiguration,
                distribution: distribution,
                heap: configuration.heap
            )
            let program = HostProgram(name: .zooKeeper, command: try suffering(command, on: host))
            try write(program, of: host, folders: distribution.folders)
        }
        if let kafka { for host in configuration.brokerHosts { try writeBroker(host, kafka) } }
        try writeApplications()
    }

    /// Makes a program a service of its host; `folders` are what it must see besides the usual.
    func write(_ program: HostProgram, of host: LabHost, folders: [String] = []) throws(LabError) {
        let description = HostDescription(name: host.name, namespace: namespace(of: host), program: program)
        try RecordFile.write(description, at: layout.host(host).description)
        switch configuration.mode {
        case .processes: break
        case .systemd: try writeUnits(of: host, program, folders: folders)
        }
    }

    func names(_ hosts: [LabHost]) -> String { hosts.map(\.name).joined(separator: ", ") }

    package func startZooKeeper(on host: LabHost) async throws(LabError) {
        try await service("start", .zooKeeper, on: host)
    }

    /// Starts or stops the server of a host the way its agent would.
    func service(_ verb: String, _ program: HostProgram.Name, on host: LabHost) async throws(LabError) {
        let step = "\(verb) of \(program.rawValue) on \(host.name)"
        switch configuration.mode {
        case .processes:
            let service = [binaries.lab, "service", verb, "--host-directory", layout.host(host).root]
            try await Tool(service).output(step: step)
        case .systemd:
            let outcome = try await systemctl([verb, program.rawValue + ".service"], on: host)
            guard outcome.succeeded else { throw .failed(step: step, diagnostics: outcome.diagnostics) }
        }
    }
}
