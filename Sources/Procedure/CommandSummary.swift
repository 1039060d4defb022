package import ControlProtocol
import Topology

extension Command {
    /// One line for plans, progress and the journal; no file contents.
    package var summary: String {
        switch self {
        case .installWall(let wall):
            "install the wall against \(wall.peers.map(\.description).joined(separator: ", ")), \(wall.scope.summary)"
        case .removeWall: "remove the wall"
        case .writeFile(let write):
            "write \(write.path), \(write.content.count) bytes, sha256 \(ContentDigest.sha256(write.content).prefix(12)), "
                + "replacing sha256 \(write.expected.map { String($0.prefix(12)) } ?? "(absent)")"
        case .restoreFile(let restore): "restore \(restore.path) byte for byte"
        case .service(let request):
            "\(request.action.rawValue) \(request.service)"
                + (request.replacing.map { ", replacing pid \($0)" } ?? "")
        }
    }
}

extension Wall.Scope {
    package var summary: String {
        switch self {
        case .ports(let numbers): "TCP ports \(numbers.map(\.description).joined(separator: ", "))"
        case .allTCP: "all TCP but the protected ports"
        }
    }
}
