internal import FoundationEssentials
private import Glibc

/// Where the project's programs are.
package struct Binaries: Sendable, Codable, Hashable {
    package let directory: String

    package init(directory: String) { self.directory = directory }

    package var lab: String { directory + "/mitosis-lab" }
    package var agent: String { directory + "/mitosis-agent" }
    package var coordinator: String { directory + "/mitosis" }

    /// The agent's unit as it is shipped: in `deploy` of the tree that the programs were built in, or were copied from, or where
    /// the packages put it beside them (`/usr/bin`, `/usr/lib/systemd/system`).
    ///
    /// MITOSIS_UNIT names another one, beside which the others may lie.
    package func shippedUnit(_ name: String = UnitFiles.agent) throws(LabError) -> String {
        if let named = getenv("MITOSIS_UNIT").map({ String(cString: $0) }) {
            if name == UnitFiles.agent { return named }
            let beside = URL(filePath: named).deletingLastPathComponent().appending(path: name).path
            if FileManager.default.fileExists(atPath: beside) { return beside }
        }
        // `.build/debug` is a link.
        var folder = URL(filePath: directory).resolvingSymlinksInPath().path
        while folder.contains("/") {
            for place in ["/deploy/", "/lib/systemd/system/"] {
                let unit = folder + place + name
                if FileManager.default.fileExists(atPath: unit) { return unit }
            }
            folder = folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? ""
        }
        throw .missing(
            program: name,
            remedy:
                "name it in MITOSIS_UNIT; looked in deploy/ and lib/systemd/system/ of every folder above \(directory)"
        )
    }

    /// MITOSIS_BIN, else the folder of the running program if mitosis-lab is there, else `.build/debug`.
    package static func find() throws(LabError) -> Binaries {
        var candidates: [String] = []
        if let named = getenv("MITOSIS_BIN") { candidates.append(String(cString: named)) }
        do {
            let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            candidates.append(URL(filePath: own).deletingLastPathComponent().path)
        } catch {
            throw .file(path: "/proc/self/exe", reason: "cannot be read: \(error)")
        }
        candidates.append(FileManager.default.currentDirectoryPath + "/.build/debug")
        for candidate in candidates {
            let path = candidate.hasSuffix("/") ? String(candidate.dropLast()) : candidate
            let found = Binaries(directory: path)
            if FileManager.default.isExecutableFile(atPath: found.lab) { return found }
        }
        throw .missing(
            program: "mitosis-lab",
            remedy: "build it (swift build), or name its folder in MITOSIS_BIN; looked in "
                + candidates.joined(separator: ", ")
        )
    }
}
