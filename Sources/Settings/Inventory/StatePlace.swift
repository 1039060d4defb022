import ControlProtocol

/// Where an agent may keep its state: a directory of its own, for `mitosis agents uninstall` removes it whole.
package enum StatePlace {
    /// With everything in them.
    private static let wholly: Set<Substring> = [
        "bin", "boot", "dev", "lib", "lib32", "lib64", "libx32", "lost+found", "proc", "sbin", "sys",
    ]
    /// By themselves: what lies in them may be anybody's.
    private static let merely: Set<String> = [
        "/etc", "/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/usr", "/usr/local",
        "/var",
        "/var/backups", "/var/cache", "/var/lib", "/var/local", "/var/lock", "/var/log", "/var/mail",
        "/var/opt",
        "/var/run", "/var/spool", "/var/tmp",
    ]
    private static let local: Set<Substring> = [
        "bin", "etc", "games", "include", "lib", "libexec", "man", "sbin", "share", "src",
    ]

    /// Nil for what is not plain, or not an agent's to have.
    package static func plain(_ path: String) -> String? {
        HostPath.plain(path).flatMap { isTaken($0) ? nil : $0 }
    }

    package static func advice(_ path: String) -> String {
        HostPath.plain(path) == nil
            ? HostPath.advice(path)
            : "'\(path)' is not for an agent's state: the system, or an installation, has other things there. "
                + "Give it a directory of its own, for instance /var/lib/mitosis."
    }

    private static func isTaken(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        let first = parts.first ?? ""
        let isSystems: Bool
        switch first {
        case "etc", "home": isSystems = parts.count == 2
        // But for what somebody has made himself.
        case "usr": isSystems = parts.count < 3 || parts[1] != "local" || local.contains(parts[2])
        case _: isSystems = wholly.contains(first)
        }
        let folder = path + "/"
        return isSystems || merely.contains(path)
            || "\(ProvisionedFile.workFolder)/".hasPrefix(folder)
            || folder.hasPrefix("\(ProvisionedFile.workFolder)/")
            || ProvisionedFile.allCases.contains { "\($0.path)/".hasPrefix(folder) }
    }
}
