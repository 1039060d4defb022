import FoundationEssentials

/// A line of the answer to a command: `accepted`, any number of `progress`, one `finished`.
package enum CommandEvent: Hashable, Sendable, Codable {
    /// The agent has written the command to its record; from here on it may have happened.
    case accepted(id: CommandID)
    /// Milliseconds since the command was accepted.
    case progress(message: String, milliseconds: Int)
    case finished(outcome: CommandOutcome)
}

package enum CommandOutcome: Hashable, Sendable, Codable {
    case done(result: CommandResult)
    /// Nothing was changed.
    case refused(refusal: Refusal)
    /// Something may have been changed; look before trying again.
    case failed(message: String)
}

package enum CommandResult: Hashable, Sendable, Codable {
    case rules(rules: InstalledRules)
    case file(file: FileState)
    case service(report: ServiceReport)
    case detached(report: DetachReport)
    case data(report: DataReport)
    case piloted(report: PilotReport)
    case handMade(report: HandMadeReport)
    /// What the host must hold to from now on.
    case order(order: OrderState)
}

/// Why an agent did nothing.
package enum Refusal: Hashable, Sendable, Codable {
    /// The lease's epoch is lower than the highest this agent has granted.
    case superseded(highest: FencingEpoch)
    /// The lease's epoch is further above the highest that was granted here than any runs can have raised it.
    case epochTooFar(highest: FencingEpoch)
    /// Another run's lease has not lapsed.
    case leaseHeld(state: LeaseState)
    /// The request came without a lease in force.
    case noLease
    /// The agent's own configuration does not allow it.
    case notAllowed(reason: String)
    /// The file is not what the command expected. `found` is nil when it does not exist.
    case fileChanged(path: String, expected: String?, found: String?)
    /// The id was used before for a different command.
    case idReused
    /// The command makes no sense (an empty wall, a bad path).
    case invalid(reason: String)
}

extension Refusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .superseded(let highest):
            "a coordinator with epoch \(highest) has taken over; start again to get a newer one"
        case .epochTooFar(let highest):
            "the lease's epoch is more than \(FencingEpoch.reach) above \(highest), the highest that was granted here: some "
                + "agent of the fleet may have told a false one (`mitosis status --json` shows each). If it is right, "
                + "`mitosis-agent lease reset --epoch N` on this host, with N one below it"
        case .leaseHeld(let state):
            "run \(state.current?.runID.description ?? "?") of coordinator \(state.holder ?? "?") holds the lease"
                + "\(Self.time(" since ", state.since))\(Self.time(", until ", state.expiresAt)) unless renewed; wait for it to end, "
                + "or take it over: `mitosis run --take-over` with its journal, `mitosis takeover` without"
        case .noLease: "no lease is in force for this run; ask for one first"
        case .notAllowed(let reason): "the agent's configuration does not allow it: \(reason)"
        case .fileChanged(let path, let expected, let found):
            "\(path) has digest \(ContentDigest.text(found)), not \(ContentDigest.text(expected)); "
                + "somebody else changed it"
        case .idReused: "this command id was used for another command"
        case .invalid(let reason): reason
        }
    }
}

extension Refusal {
    private static func time(_ word: String, _ milliseconds: Int64?) -> String {
        milliseconds.map { word + Date(timeIntervalSince1970: Double($0) / 1000).ISO8601Format() } ?? ""
    }
}

/// A configuration file as it is now.
package struct FileState: Hashable, Sendable, Codable {
    package let path: String
    /// SHA-256 in lower-case hexadecimal; nil when the file does not exist.
    package let digest: String?
    package let size: Int?
    /// Permission bits, for instance 0o644.
    package let mode: UInt32?
    package let owner: UInt32?
    package let group: UInt32?
    /// Set when `path` is a symbolic link.
    package let symlinkTarget: String?
    /// Status-change time, Unix milliseconds.
    package let changedAt: Int64?

    package init(
        path: String,
        digest: String?,
        size: Int?,
        mode: UInt32?,
        owner: UInt32?,
        group: UInt32?,
        symlinkTarget: String?,
        changedAt: Int64?
    ) {
        self.path = path
        self.digest = digest
        self.size = size
        self.mode = mode
        self.owner = owner
        self.group = group
        self.symlinkTarget = symlinkTarget
        self.changedAt = changedAt
    }
}

package struct ServiceReport: Hashable, Sendable, Codable {
    package let service: String
    package let oldPID: Int32?
    package let newPID: Int32?
    /// Milliseconds; nil when that part was not needed.
    package let stopMilliseconds: Int?
    package let startMilliseconds: Int?

    package init(
        service: String,
        oldPID: Int32?,
        newPID: Int32?,
        stopMilliseconds: Int?,
        startMilliseconds: Int?
    ) {
        self.service = service
        self.oldPID = oldPID
        self.newPID = newPID
        self.stopMilliseconds = stopMilliseconds
        self.startMilliseconds = startMilliseconds
    }
}
