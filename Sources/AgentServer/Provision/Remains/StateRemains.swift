import Glibc
import SystemCalls

/// A state directory that is to go: known by what lies in it, whoever named it, before anything of it is removed.
struct StateRemains {
    let path: String

    /// Every file and folder that an agent has there, and by which it is known; what they become under way begins with the same.
    private static let names: Set<Substring> = [
        "audit", "audit-requests", "backups", "chain", "commands", "detached", "lease", lock, "order",
        "order-answer", "orders", "reserve", "revocation", "rulesets", "running-view",
    ]
    private static let lock: Substring = "lock"

    /// Why it is left alone; nil when it is an agent's, or empty, or not there.
    var objection: String? {
        var found = stat()
        guard lstat(path, &found) == 0 else {
            return errno == ENOENT ? nil : "\(path) cannot be examined: \(systemReason())"
        }
        guard found.st_mode & S_IFMT == S_IFDIR else { return "\(path) is no directory, but leads to one" }
        if let objection = OwnFile.objection(to: path) { return objection }
        do throws(SystemCallError) {
            let found = try FileTree.names(in: path)
            if found.isEmpty { return nil }
            guard found.contains(String(Self.lock)) else { return "\(path) has no lock of an agent's" }
            return OwnFile.objection(to: "\(path)/\(Self.lock)")
                ?? found.sorted().first { !Self.isKnown($0) }.map { "\(path)/\($0) is not an agent's" }
        } catch {
            return "\(path): cannot \(error.call) it: \(error.reason)"
        }
    }

    private static func isKnown(_ name: String) -> Bool { names.contains(name.prefix { $0 != "." }) }

    /// Its lock last: by that it is known again when this is broken off.
    func remove() throws(SystemCallError) {
        for name in try FileTree.names(in: path) where name != Self.lock {
            try FileTree.remove("\(path)/\(name)")
        }
        try FileTree.remove(path)
    }
}
