package import Topology

/// Takes a server out of its ensemble for good, without losing what it has acknowledged: its clients are kept out, its
/// log on disk catches up with its memory while it still follows its leader, and only then its process is ended; the wall
/// comes last.
///
/// docs/division.md has the states and the argument. The desired end: the wall stands, the server is stopped, a copy
/// of its data is kept. A server that is not drained in time is left running, as it was.
package struct DetachRequest: Hashable, Sendable, Codable {
    /// A service of the agent's configuration: the one that runs the host's ZooKeeper.
    package let service: String
    /// The process that is to be detached; nil when none is expected to run.
    ///
    /// Another one is left alone, and the command fails.
    package let pid: Int32?
    package let wall: Wall
    /// Seconds for the log on disk to catch up, 1 to 600.
    package let seconds: Int
    /// What undoes it when no coordinator comes; nil, as coordinators before it say, for one that stands for good.
    package let lapse: LapseRequest?

    package init(service: String, pid: Int32?, wall: Wall, seconds: Int, lapse: LapseRequest? = nil) {
        self.service = service
        self.pid = pid
        self.wall = wall
        self.seconds = seconds
        self.lapse = lapse
    }
}

package struct DetachReport: Hashable, Sendable, Codable {
    /// Why nothing that the server acknowledged is missing from its disk.
    package enum Proof: Hashable, Sendable, Codable {
        /// With its clients kept out its memory ended at `memory`, and the disk held that before it was stopped.
        case held(memory: Zxid)
        /// It did not serve any more when it was asked; the thread that writes its log was there and had nothing to do.
        case idle
        /// What it may have acknowledged beyond its disk cannot be known.
        case unknown(reason: String)
    }

    /// One part of the work and when it was over, in milliseconds after the beginning.
    package struct Phase: Hashable, Sendable, Codable {
        package let name: String
        package let milliseconds: Int

        package init(name: String, milliseconds: Int) {
            self.name = name
            self.milliseconds = milliseconds
        }
    }

    package let service: String
    /// The process that was ended; nil when none ran.
    package let pid: Int32?
    package let proof: Proof
    /// What the disk holds, read after the process had gone.
    package let data: DataDirectory
    package let rules: InstalledRules
    /// Where the copy of the data is; nil when there was nothing to copy.
    package let copy: String?
    package let phases: [Phase]

    package init(
        service: String,
        pid: Int32?,
        proof: Proof,
        data: DataDirectory,
        rules: InstalledRules,
        copy: String?,
        phases: [Phase]
    ) {
        self.service = service
        self.pid = pid
        self.proof = proof
        self.data = data
        self.rules = rules
        self.copy = copy
        self.phases = phases
    }
}

/// Moves the data of a stopped server aside, so that it begins with none; its `myid` stays.
package struct SetAsideRequest: Hashable, Sendable, Codable {
    package let service: String

    package init(service: String) { self.service = service }
}

/// What became of a server's data or of the copy of it.
package struct DataReport: Hashable, Sendable, Codable {
    /// Where it is now; nil when nothing is left or nothing was there.
    package let path: String?

    package init(path: String?) { self.path = path }
}

extension DataDirectory {
    /// Where its history ends; nil when it holds none.
    package var end: HistoryEnd? {
        lastZxid.map { HistoryEnd(epoch: max(currentEpoch ?? 0, 0), zxid: $0) }
    }
}
