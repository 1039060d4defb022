package import ControlProtocol
import SystemCalls

/// Finds programs that bring files and services back to what is written elsewhere, and what starts them by the clock: they would
/// take back what a step has changed.
///
/// What it reads is the host's own; processes of another network namespace are another host's.
package struct ConfigurationManagers: Sendable {
    private let programs: RecentPrograms

    /// - Parameter root: put before every path of a file; empty but in tests.
    package init(root: String = "") {
        programs = RecentPrograms(within: .seconds(10)) { ConfigurationLook(root: root).found() }
    }

    /// As of at most ten seconds ago: a look reads a few dozen files.
    package func found() async -> [RuleManager] { await programs.found() }
}

/// One look.
struct ConfigurationLook {
    /// By the names of the programs, of which the kernel keeps 15 characters; all are shorter.
    private static let programs: Set<String> = [
        "puppet", "puppetd", "chef-client", "chef-solo", "cinc-client", "salt-minion", "salt-call",
        "ansible-pull",
        "cf-agent", "cf-execd",
    ]
    /// What such a program is a script of.
    private static let interpreters = ["ruby", "python", "perl"]
    /// In the name of a timer.
    private static let words = ["puppet", "chef", "cinc", "salt", "ansible", "cfengine", "cf-"]
    private static let tables = ["/etc/crontab", "/etc/anacrontab"]
    private static let folders = [
        "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly",
        "/var/spool/cron", "/var/spool/cron/crontabs",
    ]
    /// `puppet agent --disable` leaves one; its agent then changes nothing until it is enabled.
    private static let locks = [
        "/opt/puppetlabs/puppet/cache/state/agent_disabled.lock", "/var/lib/puppet/state/agent_disabled.lock",
        "/var/cache/puppet/state/agent_disabled.lock",
    ]
    private static let sizeLimit = 256 << 10
    private static let most = 200
    let root: String

    func found() -> [RuleManager] {
        var found = ProcessList.programs(Self.program)
        // Files and systemd are the host's; another root stands for itself.
        if !root.isEmpty || NetworkNamespace.isHosts {
            found += (timers() + cronJobs()).map { RuleManager(name: $0, pid: nil) }
        }
        if Self.locks.contains(where: { FileStamp(of: root + $0) != nil }) {
            found.removeAll { $0.name.hasPrefix("puppet") && !$0.name.hasPrefix("puppet apply") }
        }
        return Array(found.prefix(Self.most))
    }

    private static func program(_ pid: Int32, called name: String) -> String? {
        if programs.contains(name) { return name }
        guard interpreters.contains(where: name.hasPrefix),
            let words = KernelText.read("/proc/\(pid)/cmdline")
        else { return nil }
        // Behind the interpreter's own options.
        return words.split(separator: "\0").dropFirst().first { !$0.hasPrefix("-") }.flatMap {
            let script = $0.lastComponent
            return programs.contains(script) ? script : nil
        }
    }

    /// systemd keeps a link for every unit that is active.
    private func timers() -> [String] {
        names(in: "/run/systemd/units").compactMap { link in
            guard link.hasPrefix("invocation:"), link.hasSuffix(".timer") else { return nil }
            let unit = String(link.dropFirst("invocation:".count))
            return Self.words.contains { unit.contains($0) } ? unit : nil
        }
    }

    private func cronJobs() -> [String] {
        let listed = Self.folders.flatMap { folder in
            names(in: folder).prefix(Self.most).map { "\(folder)/\($0)" }
        }
        return (Self.tables + listed).flatMap { path in
            Set(lines(of: path).compactMap(Self.command)).sorted().map { "\($0) in \(path)" }
        }
    }

    /// The first of these programs that a line of a table or a script runs; a comment runs none.
    static func command(in line: Substring) -> String? {
        let words = line.split { " \t;&|()\"'`".contains($0) }
        guard words.first?.hasPrefix("#") == false else { return nil }
        for (index, word) in words.enumerated() {
            let name = word.lastComponent
            guard programs.contains(name) else { continue }
            guard name == "puppet" else { return name }
            // A user may be called so, too.
            let next = words.dropFirst(index + 1).first
            if next == "agent" || next == "apply" { return "puppet \(next ?? "")" }
        }
        return nil
    }

    private func names(in folder: String) -> [String] {
        do throws(SystemCallError) { return try FileTree.names(in: root + folder).sorted() } catch {
            return []
        }
    }

    private func lines(of path: String) -> [Substring] {
        do throws(BoundedFile.Failure) {
            let bytes = try BoundedFile(reading: root + path, limit: Self.sizeLimit).bytes
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        } catch {
            return []
        }
    }
}

extension Substring {
    fileprivate var lastComponent: String {
        lastIndex(of: "/").map { String(self[index(after: $0)...]) } ?? String(self)
    }
}
