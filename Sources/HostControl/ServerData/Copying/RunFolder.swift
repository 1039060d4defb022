import ControlProtocol
import Glibc

/// `mitosis-RUN` in a directory of the server's account: the agent's alone, so that nobody changes what lies in it.
///
/// The account may still move it away or put something else in its place; that is seen, and refused.
struct RunFolder {
    let folder: OpenDirectory
    let place: FilePlace

    private static func name(_ run: RunID) -> String { "mitosis-\(run)" }

    /// Makes it when it does not exist.
    init(making run: RunID, in parent: OpenDirectory) throws(FileError) {
        let place = FilePlace(parent, Self.name(run))
        guard mkdirat(parent.descriptor, place.name, 0o700) == 0 || errno == EEXIST else {
            throw .unavailable(operation: "make the directory", path: place.path, code: errno)
        }
        guard let folder = try RunFolder(opening: place) else {
            throw Self.refusal(place.path, "is gone again")
        }
        try parent.synchronize()
        self = folder
    }

    /// Nil when it does not exist.
    init?(existing run: RunID, in parent: OpenDirectory) throws(FileError) {
        guard let found = try RunFolder(opening: FilePlace(parent, Self.name(run))) else { return nil }
        self = found
    }

    private init?(opening place: FilePlace) throws(FileError) {
        do throws(FileError) {
            folder = try OpenDirectory(place)
        } catch .unavailable(_, _, code: ENOENT) {
            return nil
        } catch .unavailable(_, _, code: ELOOP), .unavailable(_, _, code: ENOTDIR) {
            throw Self.refusal(place.path, "is no directory")
        } catch {
            throw error
        }
        self.place = place
        var found = stat()
        guard fstat(folder.descriptor, &found) == 0 else {
            throw .unavailable(operation: "examine", path: place.path, code: errno)
        }
        guard found.st_uid == geteuid(), found.st_mode & 0o077 == 0 else {
            throw Self.refusal(place.path, "belongs to somebody else or is open to others")
        }
    }

    /// Whether it still has the name under which it was opened.
    func confirm() throws(FileError) {
        guard try place.identity() == folder.identity else {
            throw Self.refusal(place.path, "was put in the place of the agent's directory meanwhile")
        }
    }

    static func refusal(_ path: String, _ reason: String) -> FileError {
        .refused(
            .invalid(
                reason: "\(path) \(reason); nothing was changed there; find out who made it and move it away"
            )
        )
    }
}
