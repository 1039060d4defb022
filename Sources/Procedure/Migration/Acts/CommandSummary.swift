package import ControlProtocol
import Topology

extension Command {
    /// One line for people, in plans, progress and the history; no file contents.
    package var summary: String {
        switch self {
        case .installWall(let wall, let holding, let lapse):
            "install the wall against \(wall.peers.listed()), \(wall.scope.summary)"
                + (holding.map { ", and hold \($0.listed()) back" } ?? "") + (lapse?.summary ?? "")
        case .removeWall: "remove the wall"
        case .sever(let wall):
            "end every connection with \(wall.peers.listed()), \(wall.scope.summary)"
        case .writeFile(let write):
            "write \(write.path), \(write.content.count) bytes, sha256 \(write.digest.prefix(12)), "
                + "replacing sha256 \(ContentDigest.text(write.expected.map { String($0.prefix(12)) }))"
        case .restoreFile(let restore): "restore \(restore.path) byte for byte"
        case .service(let request):
            request.text
                + (request.replacing.map { ", replacing pid \($0)" } ?? "")
        case .detach(let request):
            "detach \(request.service)" + (request.pid.map { " (pid \($0))" } ?? "")
                + ", then the wall against \(request.wall.peers.listed()), "
                + request.wall.scope.summary + (request.lapse?.summary ?? "")
        case .discardCopy: "remove the copy of the data"
        case .pilotWall: "put up and remove a wall for a trial"
        case .removeHandMadeRules(let request):
            "remove hand-made rules against \(request.addresses.listed())"
        case .setAside(let request): "move the data of \(request.service) aside"
        case .keepOrder(let restoring):
            (restoring ?? []).map { "put \($0.path) back, " }.joined()
                + "keep wall and hold whatever happens, with or without a coordinator"
        }
    }
}

extension Wall.Scope {
    package var summary: String {
        switch self {
        case .ports(let numbers): "TCP ports \(numbers.listed())"
        case .allTCP: "all TCP but the protected ports"
        }
    }
}

extension LapseRequest {
    fileprivate var summary: String {
        "; undone by the host itself when no coordinator is heard for \(seconds) s"
    }
}
