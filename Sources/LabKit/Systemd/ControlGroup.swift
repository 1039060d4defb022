internal import FoundationEssentials
private import Glibc

/// A control group of a container's own, in every hierarchy that systemd uses.
package struct ControlGroup: Sendable {
    package let name: String

    package init(name: String) { self.name = name }

    private static let mount = "/sys/fs/cgroup"

    /// The roots to make a group in: one on a unified machine, three on a hybrid one.
    private static var roots: [String] {
        if exists(mount + "/cgroup.controllers") { return [mount] }
        return ["systemd", "unified", "memory"].map { "\(mount)/\($0)" }.filter {
            exists($0 + "/cgroup.procs")
        }
    }

    private static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Makes the group and moves this process into it; its children are born there.
    package func enter() throws(LabError) {
        for root in Self.roots {
            let group = "\(root)/\(name)"
            guard mkdir(group, 0o755) == 0 || errno == EEXIST else {
                throw .file(path: group, reason: "cannot be made (errno \(errno))")
            }
            let processes = group + "/cgroup.procs"
            let descriptor = open(processes, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw .file(path: processes, reason: "cannot be opened (errno \(errno))")
            }
            defer { close(descriptor) }
            let own = Array("0".utf8)
            guard write(descriptor, own, own.count) == own.count else {
                throw .file(path: processes, reason: "does not take this process (errno \(errno))")
            }
        }
    }

    /// The groups whose names start with `prefix`, whoever made them.
    package static func left(startingWith prefix: String) throws(LabError) -> [ControlGroup] {
        var names: Set<String> = []
        for root in roots { names.formUnion(try Folder.entries(root).filter { $0.hasPrefix(prefix) }) }
        return names.sorted().map { ControlGroup(name: $0) }
    }

    /// Removes the group and everything below it; it must have no processes any more.
    package func remove() async throws(LabError) {
        for root in Self.roots { try await Self.remove("\(root)/\(name)") }
    }

    private static func remove(_ group: String) async throws(LabError) {
        guard exists(group) else { return }
        for entry in try Folder.entries(group) where exists("\(group)/\(entry)/cgroup.procs") {
            try await remove("\(group)/\(entry)")
        }
        // A group is busy for a moment after its last process ended.
        let deadline = ContinuousClock.now + .seconds(5)
        while rmdir(group) != 0, errno != ENOENT {
            guard ContinuousClock.now < deadline else {
                throw .file(
                    path: group,
                    reason: "cannot be removed (errno \(errno)): does a process live in it?"
                )
            }
            do { try await Task.sleep(for: .milliseconds(20)) } catch {
                throw .file(path: group, reason: "was not removed: cancelled")
            }
        }
    }
}
