import ControlProtocol
import Foundation
import Settings
import Topology
import Trees

/// What the seals of a run have left beside the journal, those that were taken off as well.
struct SealTraces {
    /// Where the seal that is on, if any, has its file.
    let path: String
    private let folder: String

    init(_ plan: MigrationPlan, _ run: RunID) {
        folder = plan.journalFolder
        path = folder + "seal-\(run).sqlite"
    }

    /// The files of seals that were taken off.
    func takenOff() throws -> [String] {
        let prefix = String(path.dropFirst(folder.count)) + ".unsealed-"
        return try FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)
            .filter { $0.hasPrefix(prefix) && !$0.hasSuffix("-journal") }.sorted().map { folder + $0 }
    }

    /// Sessions in which `mitosis` itself has written to what has moved on the source, by the command.
    func sessions() throws -> [SessionNumber: String] {
        var sessions: [SessionNumber: String] = [:]
        for file in try takenOff() + [path] {
            sessions.merge(try SealFile.sessions(in: file)) { first, _ in first }
        }
        return sessions
    }
}

extension MigrationPlan {
    /// Empty for the working directory; else it ends with a slash.
    var journalFolder: String {
        journalPath.lastIndex(of: "/").map { String(journalPath[...$0]) } ?? ""
    }
}
