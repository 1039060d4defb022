import Drafting
import Glibc
import Settings

/// Where a new plan will lie, and how it names what lies elsewhere, wherever it is read from.
struct PlanPlace {
    let draft: DraftPlace

    /// - Parameter output: nil for a plan that is printed, which is taken to lie in the working directory.
    init(inventory: Inventory, output: String?) throws {
        let plan = output ?? "plan.yaml"
        if let output { try Self.checkFree(output) }
        let folder = try Self.real(Self.folder(of: plan))
        let file = try Self.real(Self.folder(of: inventory.file)) + "/" + Self.last(inventory.file)
        let directory = inventory.pki.directory
        draft = DraftPlace(
            plan: plan,
            inventory: Self.path(file, from: folder),
            pkiDirectory: directory.hasPrefix("~/")
                ? directory : Self.path(try Self.real(directory), from: folder)
        )
    }

    /// Known before anybody is asked; it is written so that nothing is lost even if it changes meanwhile.
    fileprivate static func checkFree(_ path: String) throws {
        var found = stat()
        guard lstat(path, &found) != 0 else {
            throw Complaint("\(path): is there already, and is not written over; name another file")
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func last(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// Without links and dots; the root as nothing, so that a slash may follow.
    fileprivate static func real(_ path: String) throws -> String {
        guard let found = realpath(path, nil) else {
            throw Complaint("\(path): \(String(cString: strerror(errno)))")
        }
        defer { free(found) }
        let text = String(cString: found)
        return text == "/" ? "" : text
    }

    /// Relative at or below the plan's folder, so that both can be moved together; else whole.
    private static func path(_ path: String, from folder: String) -> String {
        guard path.hasPrefix(folder + "/") else { return path.isEmpty ? "/" : path }
        return "./" + path.dropFirst(folder.count + 1)
    }
}

/// Where a new inventory will lie; what it names has its whole path.
struct InventoryPlace {
    let file: String
    let pkiDirectory: String

    init(pki: String, output: String?) throws {
        if let output { try PlanPlace.checkFree(output) }
        file = output ?? "inventory.yaml"
        let found = try PlanPlace.real(pki)
        pkiDirectory = found.isEmpty ? "/" : found
    }
}
