import ControlProtocol
import Glibc

/// Where an installation has its files; below another root in tests.
struct HostPlaces: Sendable {
    let root: String

    init(root: String = "") { self.root = root }

    func path(of file: ProvisionedFile) -> String { root + file.path }
    func at(_ path: String) -> String { root + path }

    var workFolder: String { root + ProvisionedFile.workFolder }
    var staging: String { workFolder + "/stage" }
    var previous: String { workFolder + "/previous" }
    var journal: String { workFolder + "/journal.json" }
    /// Folders that are ours whole, the innermost first.
    var ownFolders: [String] {
        [
            root + ProvisionedFile.configurationFolder + "/tls", root + ProvisionedFile.configurationFolder,
            root + "/etc/systemd/system/\(ProvisionedFile.unitName).d",
            root + "/etc/systemd/system/\(ProvisionedFile.lapseService.rawValue).d",
        ]
    }

    /// The operator's own units and drop-ins.
    var units: String { root + "/etc/systemd/system" }
    func hold(of unit: String) -> String { "\(units)/\(unit).d/\(Self.holdName)" }
    static let holdName = "mitosis-hold.conf"
    /// Where packages have a file, when it is a unit.
    func packaged(_ file: ProvisionedFile) -> [String] {
        ["/usr/lib/systemd/system/", "/lib/systemd/system/"].map { root + $0 + file.rawValue }
    }

    func staged(_ file: ProvisionedFile) -> String { "\(staging)/\(file.rawValue)" }
    func kept(_ file: ProvisionedFile) -> String { "\(previous)/\(file.rawValue)" }

    static func exists(_ path: String) -> Bool {
        var found = stat()
        return lstat(path, &found) == 0
    }

    /// The folders on the way to `path` that are not there, the outermost first.
    static func missingFolders(to path: String) -> [String] {
        var missing: [String] = []
        var folder = path
        while let end = folder.lastIndex(of: "/"), end != folder.startIndex {
            folder = String(folder[..<end])
            if exists(folder) { break }
            missing.append(folder)
        }
        return missing.reversed()
    }
}
