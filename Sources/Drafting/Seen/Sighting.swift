package import ControlProtocol
package import Fleet
package import FoundationEssentials
package import Settings
import SystemCalls
import Topology

/// What the agents of an inventory say of their hosts, and the files that tell who uses what.
///
/// A value: all that a draft knows, it knows from here.
package struct Sighting: Hashable, Sendable {
    package struct File: Hashable, Sendable {
        package enum Outcome: Hashable, Sendable {
            case content(Data)
            case absent
            /// Its agent did not hand it out.
            case unread(reason: String)
        }

        package let path: String
        package let outcome: Outcome

        package init(path: String, outcome: Outcome) {
            self.path = path
            self.outcome = outcome
        }
    }

    package struct Host: Hashable, Sendable {
        package let known: InventoryHost
        package let seen: Observation
        package let files: [File]
        /// Files that could be a broker's and were not read: its agent lists more than are of use here.
        package let unread: [String]
        /// Of a ZooKeeper that does not run, by its own parser; nil where nobody could tell.
        package let stoppedVersion: ServerVersion?

        package init(
            known: InventoryHost,
            seen: Observation,
            files: [File] = [],
            unread: [String] = [],
            stoppedVersion: ServerVersion? = nil
        ) {
            self.known = known
            self.seen = seen
            self.files = files
            self.unread = unread
            self.stoppedVersion = stoppedVersion
        }

        var status: HostStatus? {
            switch seen {
            case .status(let status): status
            case .silent: nil
            }
        }

        func file(_ path: String) -> File? { files.first { $0.path == path } }
    }

    package let inventory: Inventory
    /// In the order of the inventory.
    package let hosts: [Host]

    package init(inventory: Inventory, hosts: [Host]) {
        self.inventory = inventory
        self.hosts = hosts
    }
}

extension Sighting {
    /// For everything that one host is asked for.
    private static let patience = Duration.seconds(60)

    /// Asks every host at once; only looks.
    package static func take(of inventory: Inventory, through fleet: any Fleet) async -> Sighting {
        let hosts = await mapHosts(inventory.hosts) { known -> Host in
            let host = await Deadline.cancelling(after: patience) { await look(at: known, through: fleet) }
            await fleet.hangUp(known.host)
            return host ?? Host(known: known, seen: .silent(reason: "no whole answer within \(patience)"))
        }
        return Sighting(inventory: inventory, hosts: hosts)
    }

    private static func look(at known: InventoryHost, through fleet: any Fleet) async -> Host {
        let seen = await fleet.look(at: known.host)
        guard case .status(let status) = seen else { return Host(known: known, seen: seen) }
        var files: [File] = []
        let wanted = WantedFiles(status, known)
        for path in wanted.read {
            files.append(await file(path, on: known.host, through: fleet))
        }
        return Host(
            known: known,
            seen: seen,
            files: files,
            unread: wanted.unread,
            stoppedVersion: await stoppedVersion(status, files, on: known.host, through: fleet)
        )
    }

    private static func file(_ path: String, on host: HostName, through fleet: any Fleet) async -> File {
        do throws(FleetError) {
            let answer = try await fleet.read(path, on: host)
            return File(path: path, outcome: answer.content.map { .content($0) } ?? .absent)
        } catch {
            return File(path: path, outcome: .unread(reason: error.reason))
        }
    }

    /// A server that does not run tells its version by nothing else.
    private static func stoppedVersion(
        _ status: HostStatus,
        _ files: [File],
        on host: HostName,
        through fleet: any Fleet
    ) async -> ServerVersion? {
        guard let zookeeper = status.zookeeper, zookeeper.state == .stopped,
            case .content(let content) = files.first(where: { $0.path == zookeeper.configPath })?.outcome
        else { return nil }
        do throws(FleetError) {
            return try await fleet.parse([content], on: host).version
        } catch {
            return nil
        }
    }
}
