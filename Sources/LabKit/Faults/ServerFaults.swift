internal import FoundationEssentials

/// Faults of one host's server, each switched by a file while everything runs; without the files there are none.
package struct ServerFaults: Sendable {
    private let folder: String

    package init(_ files: HostLayout) { folder = files.root + "/faults" }

    private var start: String { folder + "/start" }
    private var disk: String { folder + "/disk" }

    /// The command of a server that can be made to suffer them.
    func wrap(_ command: [String], preloading library: String, script: String) throws(LabError) -> [String] {
        try Folder.make(folder)
        return [
            "/usr/bin/env", "LD_PRELOAD=\(library)", "SLOWDISK_CONTROL=\(disk)", "/usr/bin/python3", script,
            start,
        ] + command
    }

    /// How long every start of the server takes from now on, before its JVM even begins.
    package func delayStarts(by seconds: Double) throws(LabError) {
        try Folder.write("\(seconds)", to: start)
    }

    /// From now on the server ends as soon as it is started.
    package func failStarts() throws(LabError) { try Folder.write("fail", to: start) }

    /// How long every write to the transaction log, and every flush of it, takes from now on.
    package func slowDisk(milliseconds: Int) throws(LabError) {
        try Folder.write("\(milliseconds)", to: disk)
    }

    package func heal() throws(LabError) {
        try Folder.remove(start)
        try Folder.remove(disk)
    }
}

extension Lab {
    package func faults(of host: LabHost) -> ServerFaults { ServerFaults(layout.host(host)) }

    /// The library that makes disks slow, built from its source with the machine's compiler.
    func prepareFaults() async throws(LabError) {
        guard configuration.canFail else { return }
        guard configuration.mode == .processes else {
            throw .invalid(reason: "faults need hosts that run plain processes")
        }
        let source = layout.client + "/slowdisk.c"
        try Folder.write(String(decoding: PackageResources.slowdisk_c, as: UTF8.self), to: source)
        try Folder.write(
            String(decoding: PackageResources.delayed_py, as: UTF8.self),
            to: layout.script("delayed.py")
        )
        try await Tool(["/usr/bin/cc", "-shared", "-fPIC", "-O2", "-o", slowDiskLibrary, source, "-ldl"])
            .output(step: "building the slow disk")
    }

    var slowDiskLibrary: String { layout.client + "/slowdisk.so" }

    func suffering(_ command: [String], on host: LabHost) throws(LabError) -> [String] {
        guard configuration.canFail else { return command }
        return try faults(of: host).wrap(
            command,
            preloading: slowDiskLibrary,
            script: layout.script("delayed.py")
        )
    }
}
