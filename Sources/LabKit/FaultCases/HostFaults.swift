/// A host under systemd whose disk is slow or full, or whose clock jumps: libraries preloaded into its ZooKeeper and its agent, and
/// files that say what they do.
package struct HostFaults: Sendable {
    /// For every write to a transaction log, and every flush of one.
    private static let delay = 500
    /// Seconds that a wall clock is ahead, then behind.
    private static let jump = 3600
    static let length = Duration.seconds(8)

    private let lab: Lab
    private let host: LabHost
    /// The host sees it under the same path.
    private let folder: String

    init(_ lab: Lab, _ host: LabHost) {
        self.lab = lab
        self.host = host
        folder = lab.layout.host(host).logs
    }

    private var control: String { folder + "/hostfaults" }
    private var slowness: String { folder + "/slowdisk" }

    /// Builds the libraries, and starts again what runs, with them in it; there is no fault yet.
    func prepare() async throws {
        let libraries = try await Self.build(in: folder)
        let units = [FaultStrike.zookeeper, UnitFiles.agent]
        for unit in units {
            let dropIns = lab.layout.host(host).units + "/\(unit).d"
            try Folder.make(dropIns)
            try Folder.write(
                """
                [Service]
                Environment="LD_PRELOAD=\(libraries.joined(separator: ":"))"
                Environment="HOSTFAULTS_CONTROL=\(control)" "SLOWDISK_CONTROL=\(slowness)"

                """,
                to: dropIns + "/faults.conf"
            )
        }
        for command in [["daemon-reload"], ["try-restart"] + units] {
            let ended = try await lab.systemctl(command, on: host)
            guard ended.succeeded else {
                throw LabError.failed(step: "faults of \(host.name)", diagnostics: ended.diagnostics)
            }
        }
        try await lab.waitForAgent(on: host, seconds: 60)
        for unit in units { try await requirePreloaded(unit, libraries) }
    }

    /// A fault of a process that does not have the libraries would be none.
    private func requirePreloaded(_ unit: String, _ libraries: [String]) async throws {
        let shown = try await lab.systemctl(["show", "--property=MainPID", "--value", unit], on: host)
        guard let pid = Int(shown.output.filter(\.isNumber)), pid > 0 else { return }
        for library in libraries {
            let found = try await lab.inside(
                host,
                ["/usr/bin/grep", "-qF", library, "/proc/\(pid)/maps"]
            )
            guard found.succeeded else {
                throw LabError.failed(
                    step: "faults of \(host.name)",
                    diagnostics: "\(unit) runs without \(library)"
                )
            }
        }
    }

    /// The libraries, built in a folder from their sources with the machine's compiler.
    package static func build(in folder: String) async throws(LabError) -> [String] {
        var libraries: [String] = []
        for (name, text) in [
            ("hostfaults", PackageResources.hostfaults_c), ("slowdisk", PackageResources.slowdisk_c),
        ] {
            let (source, library) = ("\(folder)/\(name).c", "\(folder)/\(name).so")
            try Folder.write(String(decoding: text, as: UTF8.self), to: source)
            try await Tool(["/usr/bin/cc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"])
                .output(step: "building \(library)")
            libraries.append(library)
        }
        return libraries
    }

    func slowDisk() async throws {
        try await during("\(Self.delay)\n", in: slowness)
    }

    /// A server that ended of it is started again when there is place, as whatever looks after it would.
    func fullDisk() async throws {
        let ran = try await lab.systemctl(["is-active", FaultStrike.zookeeper], on: host).succeeded
        try await during("full\n", in: control)
        if ran { _ = try await lab.systemctl(["start", FaultStrike.zookeeper], on: host) }
    }

    func clockJumps() async throws {
        try await during("clock \(Self.jump)\n", in: control)
        try await during("clock -\(Self.jump)\n", in: control)
    }

    private func during(_ fault: String, in file: String) async throws {
        try Folder.write(fault, to: file)
        try await Task.sleep(for: Self.length)
        try Folder.write("\n", to: file)
    }
}
