package import FoundationEssentials

/// One thing an agent can be asked to do.
///
/// Each names a desired end: applying it twice equals once.
package enum Command: Hashable, Sendable, Codable {
    /// `holding`: services of the agent's configuration that do not run, and may not start, whatever reboots, until they are
    /// commanded to or the wall is removed; nil, as coordinators before it say, adds none to those that are held.
    /// `lapse`: what undoes it when no coordinator comes; nil leaves what was ordered before, and stands for good where nothing was.
    case installWall(wall: Wall, holding: [String]? = nil, lapse: LapseRequest? = nil)
    case removeWall
    /// Ends the connections that this wall would cut, at this end and with a reset to the other; installs nothing.
    ///
    /// For what the other host's end or the network has kept from being told.
    case sever(wall: Wall)
    case writeFile(write: FileWrite)
    case restoreFile(restore: FileRestore)
    case service(request: ServiceRequest)
    case detach(request: DetachRequest)
    /// Removes the copy of the data that this run's `detach` made.
    case discardCopy
    case setAside(request: SetAsideRequest)
    /// What this run has ordered here stands for good from now on: it does not lapse any more.
    ///
    /// `restoring`: files that are put back as they were before the run, right before that and under the same lock: where the
    /// order lapses instead, they stay as the run left them.
    case keepOrder(restoring: [FileRestore]? = nil)
    /// Puts up a wall against addresses that no network has (`Wall.isPilot`), reads it back, and removes it again.
    ///
    /// Refused where rules of ours stand: it neither replaces nor joins any.
    case pilotWall(wall: Wall)
    /// Removes rules that somebody made by hand against these addresses, after all rules of the host have been saved there.
    case removeHandMadeRules(request: HandMadeRequest)
}

extension Command {
    /// The longest that it may take its host, whatever the agent says meanwhile: by the limits of the agent's own, and ten minutes
    /// for what stands before it there and for a slow disk.
    package var ceiling: Duration {
        let own: Duration =
            switch self {
            // Looked at, stopped, started: systemd is waited for so long in each.
            case .service: .seconds(300)
            case .detach(let request): .seconds(request.seconds) + .seconds(300)
            case .installWall, .removeWall, .sever, .writeFile, .restoreFile, .discardCopy, .setAside,
                .keepOrder, .pilotWall, .removeHandMadeRules:
                .zero
            }
        return own + .seconds(600)
    }
}

/// Compare-and-swap of one configuration file.
package struct FileWrite: Hashable, Sendable, Codable {
    package let path: String
    /// SHA-256 in lower-case hexadecimal of the content it must have now; nil when it must not exist.
    package let expected: String?
    package let content: Data

    package init(path: String, expected: String?, content: Data) {
        self.path = path
        self.expected = expected
        self.content = content
    }
}

/// Puts a file back as it was before this run's first write to it: content, owner, mode, symlink target.
package struct FileRestore: Hashable, Sendable, Codable {
    package let path: String

    package init(path: String) { self.path = path }
}

package struct ServiceRequest: Hashable, Sendable, Codable {
    package enum Action: String, Hashable, Sendable, Codable {
        case start
        case stop
        case restart
    }

    /// A unit, or a service of the agent's configuration, which also bounds what may be asked for.
    package let service: String
    package let action: Action
    /// For `restart`: the pid that is to be replaced.
    ///
    /// A service that already runs under another pid was restarted already, and is left alone. Nil restarts
    /// whatever runs.
    package let replacing: Int32?

    package init(service: String, action: Action, replacing: Int32? = nil) {
        self.service = service
        self.action = action
        self.replacing = replacing
    }
}

/// `POST /v1/commands`.
///
/// Answered by a stream of `CommandEvent`, one JSON object a line.
package struct CommandRequest: Hashable, Sendable, Codable {
    package let id: CommandID
    package let lease: Lease
    package let command: Command

    package init(id: CommandID, lease: Lease, command: Command) {
        self.id = id
        self.lease = lease
        self.command = command
    }
}
