import ControlProtocol
import Glibc
import HostControl
import SystemCalls

/// The drop-ins by which a ZooKeeper's unit asks at its start whether the division holds it back, as agent.yaml wants them.
///
/// Ours are known by their first line; whatever else has their name was made by hand, and is left alone.
struct HoldPlacing: Sendable {
    let places: HostPlaces

    /// Larger than any of ours.
    private static let sizeLimit = 65_536

    /// What differs from what the configuration wants.
    func changes(_ configuration: AgentConfiguration) throws(ProvisionFailure) -> [InstallJournal.Hold] {
        let found = try ours()
        var changes: [InstallJournal.Hold] = []
        var wanted: String?
        if let zookeeper = configuration.zookeeper, zookeeper.isHeld {
            wanted = zookeeper.service
            let drop = HoldDropIn(unit: zookeeper.service, state: configuration.state, by: .agents)
            let former = found[zookeeper.service]
            // One that was made by hand and does the same stays as it is.
            var isHandMade = false
            if former == nil { isHandMade = try asks(zookeeper.service) }
            if former != drop.text, !isHandMade {
                changes.append(
                    InstallJournal.Hold(unit: zookeeper.service, former: former, text: drop.text)
                )
            }
        }
        for (unit, text) in found.sorted(by: { $0.key < $1.key }) where unit != wanted {
            changes.append(InstallJournal.Hold(unit: unit, former: text, text: nil))
        }
        return changes
    }

    /// By unit.
    func ours() throws(ProvisionFailure) -> [String: String] {
        let names: [String]
        do throws(SystemCallError) {
            names = try FileTree.names(in: places.units)
        } catch {
            if error.code == ENOENT { return [:] }
            throw .refused(reason: "\(places.units): cannot \(error.call) it: \(error.reason)")
        }
        var found: [String: String] = [:]
        for name in names where name.hasSuffix(".service.d") {
            let unit = String(name.dropLast(2))
            guard let text = try text(of: unit), Self.isOurs(text) else { continue }
            found[unit] = text
        }
        return found
    }

    private static func isOurs(_ text: String) -> Bool {
        text.hasPrefix(HoldDropIn.Author.agents.firstLine + "\n")
    }

    /// Whether one that was made by hand does the same.
    private func asks(_ unit: String) throws(ProvisionFailure) -> Bool {
        guard let text = try text(of: unit) else { return false }
        guard text.contains("--hold-check") else {
            throw .refused(
                reason:
                    "\(places.hold(of: unit)) is not ours and asks nothing; move it away, or set hold: false"
            )
        }
        return true
    }

    /// Nil when there is none.
    private func text(of unit: String) throws(ProvisionFailure) -> String? {
        let path = places.hold(of: unit)
        do throws(BoundedFile.Failure) {
            let file = try BoundedFile(reading: path, limit: Self.sizeLimit, followingLinks: false)
            return String(decoding: file.bytes, as: UTF8.self)
        } catch {
            if case .unreadable(let failure) = error, failure.code == ENOENT || failure.code == ENOTDIR {
                return nil
            }
            throw .refused(reason: "\(path) cannot be read (\(error)); move it away")
        }
    }

    func place(_ journal: InstallJournal) throws(ProvisionFailure) {
        for hold in journal.holds ?? [] { try put(hold.text, at: hold.unit) }
    }

    /// As it was before `place`.
    func undo(_ journal: InstallJournal) throws(ProvisionFailure) {
        for hold in journal.holds ?? [] { try put(hold.former, at: hold.unit) }
    }

    /// Can be done twice.
    func put(_ text: String?, at unit: String) throws(ProvisionFailure) {
        let path = places.hold(of: unit)
        let folder = "\(places.units)/\(unit).d"
        guard let text else {
            try FilePlacing(places: places).remove(path)
            guard rmdir(folder) == 0 || [ENOENT, ENOTDIR, ENOTEMPTY, EEXIST].contains(errno) else {
                throw .failed(reason: "\(folder) cannot be removed: \(systemReason())", isUndone: false)
            }
            return
        }
        if mkdir(folder, 0o755) == 0 {
            // Whatever the session masks.
            chmod(folder, 0o755)
        } else if errno != EEXIST {
            throw .failed(reason: "\(folder) cannot be made: \(systemReason())", isUndone: false)
        }
        do throws(SystemCallError) {
            try DurableFile.replace(path, with: Array(text.utf8), mode: 0o644)
        } catch {
            throw .failed(reason: "\(path): cannot \(error.call) it: \(error.reason)", isUndone: false)
        }
    }
}
