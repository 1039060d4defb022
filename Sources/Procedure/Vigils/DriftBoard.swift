package import ControlProtocol
package import Fleet
package import Settings

/// What somebody else has changed on a host while a run goes on.
package struct Drift: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// What comes next would rest on a file that is no longer what the run knows.
        case file
        /// Gates look at both before anything rests on them.
        case process
        case rules
        /// What its systemd does with a ZooKeeper's unit at the next boot.
        case unit
    }

    package let host: HostName
    package let kind: Kind
    /// For instance `/etc/zookeeper/conf/zoo.cfg was replaced`.
    package let sentence: String
}

/// What the plan's hosts looked like when the run last had a hand in them: looks in, differences out.
package struct DriftBoard: Sendable {
    private struct Seen: Hashable {
        var files: [String: String?] = [:]
        var processes: [String: ServiceState] = [:]
        var rules: InstalledRules?
        var units: [String: UnitBoot] = [:]
    }

    private let files: [HostName: Set<String>]
    private let services: [HostName: Set<String>]
    private var seen: [HostName: Seen] = [:]

    package init(_ plan: MigrationPlan) {
        let places =
            plan.servers.map { ($0.host, $0.configPath, $0.service) }
            + plan.brokers.map { ($0.host, $0.configPath, $0.service) }
            + plan.clients.all.map { ($0.host, $0.configPath, $0.service) }
        files = Dictionary(places.map { ($0.0, [$0.1]) }) { $0.union($1) }
        services = Dictionary(places.map { ($0.0, [$0.2]) }) { $0.union($1) }
    }

    /// Differences to the look before.
    ///
    /// - Parameter handled: hosts that the run itself may have changed since; what they show now is what the next look is compared with.
    package mutating func look(_ answers: [HostName: Observation], handled: Set<HostName>) -> [Drift] {
        var drifts: [Drift] = []
        for (host, answer) in answers.sorted(by: { $0.key.description < $1.key.description }) {
            guard case .status(let status) = answer else {
                // That an agent is silent, gates say. What the run did meanwhile shows only when it answers again.
                if handled.contains(host) { seen[host] = nil }
                continue
            }
            var now = seen(status)
            if let before = seen[host], !handled.contains(host) {
                // Where nothing is known of a unit now, the next answer is compared with what was known last.
                now.units.merge(before.units) { new, _ in new }
                drifts += Self.differences(before, now).map { Drift(host: host, kind: $0.0, sentence: $0.1) }
            }
            seen[host] = now
        }
        return drifts
    }

    private func seen(_ status: HostStatus) -> Seen {
        var seen = Seen(rules: status.rules)
        let named = files[status.host] ?? []
        for file in status.files + [status.zookeeper?.file].compactMap(\.self) where named.contains(file.path)
        {
            seen.files[file.path] = file.digest
        }
        if let zookeeper = status.zookeeper {
            seen.processes[zookeeper.service] = zookeeper.state
            seen.units[zookeeper.service] = zookeeper.boot
        }
        for service in status.services where services[status.host]?.contains(service.name) == true {
            seen.processes[service.name] = service.state
        }
        return seen
    }

    private static func differences(_ before: Seen, _ now: Seen) -> [(Drift.Kind, String)] {
        var found: [(Drift.Kind, String)] = []
        for (path, digest) in now.files.sorted(by: { $0.key < $1.key }) {
            guard let old = before.files[path], old != digest else { continue }
            let what = digest == nil ? "is gone" : old == nil ? "has appeared" : "was replaced, or changed"
            found.append((.file, "\(path) \(what)"))
        }
        for (service, state) in now.processes.sorted(by: { $0.key < $1.key }) {
            guard let old = before.processes[service], let sentence = sentence(service, old, state) else {
                continue
            }
            found.append((.process, sentence))
        }
        if let old = before.rules, let rules = now.rules, old.unreadable == nil, rules.unreadable == nil,
            old.wall != rules.wall || old.closed != rules.closed || old.count != rules.count
        {
            found.append((.rules, "its rules of ours are \(rules.count), and were \(old.count)"))
        }
        for (service, unit) in now.units.sorted(by: { $0.key < $1.key }) {
            guard let old = before.units[service] else { continue }
            found += sentences(service, old, unit).map { (.unit, $0) }
        }
        return found
    }

    /// Not of what waits for lapses: it is not there for a moment whenever a host boots.
    private static func sentences(_ service: String, _ old: UnitBoot, _ new: UnitBoot) -> [String] {
        var sentences: [String] = []
        if old.isEnabled != new.isEnabled {
            sentences.append("\(service) \(new.isEnabled ? "is now" : "is no longer") started at boot")
        }
        if old.asksOrder != new.asksOrder {
            let asks = new.asksOrder ? "asks now" : "no longer asks"
            sentences.append(
                "\(service) \(asks) before it starts whether an order holds it back (--hold-check)"
            )
        }
        return sentences
    }

    /// Nil for what is no change: a service on its way is looked at again.
    private static func sentence(_ service: String, _ old: ServiceState, _ new: ServiceState) -> String? {
        switch (old, new) {
        case (.running(let before), .running(let after)):
            before == after ? nil : "\(service) was restarted (pid \(before), now \(after))"
        case (.running, .stopped): "\(service) was stopped"
        case (.running, .failed): "\(service) has failed"
        case (.stopped, .running(let pid)), (.failed, .running(let pid)):
            "\(service) was started (pid \(pid))"
        case (.changing, _), (_, .changing), (.stopped, .stopped), (.stopped, .failed), (.failed, .stopped),
            (.failed, .failed):
            nil
        }
    }
}
