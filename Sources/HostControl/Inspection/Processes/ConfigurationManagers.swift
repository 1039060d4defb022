package import ControlProtocol
import Synchronization
import SystemCalls

/// Finds programs that bring files and services back to what is written elsewhere, and what starts them by the clock: they would
/// take back what a step has changed.
///
/// What it reads is the host's own; processes of another network namespace are another host's.
package final class ConfigurationManagers: Sendable {
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
    private static let patience = Duration.seconds(10)

    private struct Look {
        let found: [RuleManager]
        let at: ContinuousClock.Instant
    }

    /// Put before every path of a file; empty but in tests.
    private let root: String
    private let last = Mutex<Look?>(nil)

    package init(root: String = "") { self.root = root }

    /// As of at most ten seconds ago: a look reads a few dozen files.
    package func found() async -> [RuleManager] {
        await BlockingThread.run {
            self.last.withLock { last in
                if let last, ContinuousClock.now - last.at < Self.patience { return last.found }
                let found = self.look()
                last = Look(found: found, at: .now)
                return found
            }
        }
    }

    private func look() -> [RuleManager] {
        guard let own = NetworkNamespace.of("self") else { return [] }
        var found = Self.processes(in: own)
        // Files and systemd are those of process 1; another root stands for itself.
        if !root.isEmpty || NetworkNamespace.of("1") == own {
            found += (timers() + cronJobs()).map { RuleManager(name: $0, pid: nil) }
        }
        if Self.locks.contains(where: { FileStamp(of: root + $0) != nil }) {
            found.removeAll { $0.name.contains("puppet") }
        }
        return Array(found.prefix(Self.most))
    }

    private static func processes(in network: String) -> [RuleManager] {
        var found: [RuleManager] = []
        for pid in ProcessList.pids() {
            guard let name = KernelText.read("/proc/\(pid)/comm")?.trimmed,
                let program = program(pid, called: name),
                NetworkNamespace.of("\(pid)") == network
            else { continue }
            found.append(RuleManager(name: program, pid: pid))
        }
        return found.sorted { ($0.name, $0.pid ?? 0) < ($1.name, $1.pid ?? 0) }
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
            // A user may be called so, too.
            let next = words.dropFirst(index + 1).first
            guard name != "puppet" || next == "agent" || next == "apply" else { continue }
            return name
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
