import ControlProtocol
import Fleet
import Printable
import Procedure
import Topology

/// What a run has changed on its hosts, as its commands say: files, and the walls' rules.
struct ReportOrders {
    private(set) var files: [RunReport.FileChange] = []
    private(set) var walls: [RunReport.WallSpan] = []
    private let survey: Survey

    init(_ source: ReportSource) {
        survey = source.record.survey
        for entry in source.entries {
            for command in entry.commands { take(command, of: entry) }
        }
    }

    private mutating func take(_ command: HostCommand, of entry: JournalEntry) {
        let host = command.host
        switch command.command {
        case .writeFile(let write): change(write, on: host, entry)
        case .restoreFile(let restore): putBack(restore.path, on: host, entry)
        case .keepOrder(let restoring):
            for restore in restoring ?? [] { putBack(restore.path, on: host, entry) }
        case .installWall(let wall, _, _): raise(wall, on: host, entry)
        case .detach(let request): raise(request.wall, on: host, entry)
        case .removeWall: remove(on: host, entry)
        case .sever, .service, .discardCopy, .setAside, .pilotWall, .removeHandMadeRules: break
        }
    }

    private mutating func change(_ write: FileWrite, on host: HostName, _ entry: JournalEntry) {
        let (name, path) = (host.description, PrintableText(write.path).description)
        let difference = difference(write, on: host)
        // What is written again after a stop is one change.
        guard
            !files.contains(where: {
                $0.host == name && $0.path == path && $0.difference == difference && $0.putBackBy == nil
            })
        else { return }
        files.append(
            RunReport.FileChange(
                host: name,
                path: path,
                difference: difference,
                step: entry.step.description,
                at: entry.intendedAt
            )
        )
    }

    private func difference(_ write: FileWrite, on host: HostName) -> String? {
        let known = survey.files + (survey.kafka?.files ?? []) + (survey.clients?.files ?? [])
        guard !write.content.isEmpty,
            let file = known.first(where: { $0.host == host && $0.path == write.path }),
            !file.content.isEmpty
        else { return nil }
        return ConfigDiff.unified(old: file.content, new: write.content, path: write.path)
    }

    private mutating func putBack(_ path: String, on host: HostName, _ entry: JournalEntry) {
        guard case .done = entry.verdict else { return }
        let path = PrintableText(path).description
        for index in files.indices
        where files[index].host == host.description && files[index].path == path
            && files[index].putBackBy == nil
        {
            files[index].putBackBy = entry.step.description
        }
    }

    private mutating func raise(_ wall: Wall, on host: HostName, _ entry: JournalEntry) {
        guard !walls.contains(where: { $0.host == host.description && $0.removedAt == nil }) else { return }
        walls.append(
            RunReport.WallSpan(
                host: host.description,
                peers: wall.peers.map(\.description),
                scope: wall.scope.summary,
                raisedBy: entry.step.description,
                raisedAt: entry.intendedAt
            )
        )
    }

    private mutating func remove(on host: HostName, _ entry: JournalEntry) {
        guard case .done = entry.verdict else { return }
        for index in walls.indices
        where walls[index].host == host.description && walls[index].removedAt == nil {
            walls[index].removedBy = entry.step.description
            walls[index].removedAt = entry.decidedAt
        }
    }
}
