/// Makes one process's writes to its transaction logs slow: a library preloaded into it, and a file with the delay.
package struct SlowDisk: Sendable {
    private let library: String
    private let control: String

    /// Compiles the library into the directory; there is no delay yet.
    package static func make(in directory: String) async throws(LabError) -> SlowDisk {
        let source = directory + "/slowdisk.c"
        let disk = SlowDisk(library: directory + "/slowdisk.so", control: directory + "/slowdisk.delay")
        try Folder.write(String(decoding: PackageResources.slowdisk_c, as: UTF8.self), to: source)
        try await Tool(["/usr/bin/cc", "-shared", "-fPIC", "-O2", "-o", disk.library, source, "-ldl"])
            .output(step: "compile the slow disk")
        try disk.delay(milliseconds: 0)
        return disk
    }

    /// What a process must have in its environment.
    package var environment: [String: String] { ["LD_PRELOAD": library, "SLOWDISK_CONTROL": control] }

    /// From now on, also for a write that is being held up.
    package func delay(milliseconds: Int) throws(LabError) {
        try Folder.write("\(milliseconds)\n", to: control)
    }
}
