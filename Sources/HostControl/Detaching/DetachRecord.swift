import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls

/// What was proven of a server before its process was ended, on disk: the agent may die before it has told anybody.
struct DetachRecord: Sendable {
    struct Entry: Hashable, Sendable, Codable {
        let run: RunID
        let pid: Int32
        let proof: DetachReport.Proof
    }

    /// More than any entry can be.
    private static let sizeLimit = 1 << 20

    private let path: String

    init(stateDirectory: String) { path = stateDirectory + "/detached.json" }

    func keep(_ entry: Entry) throws(DetachError) {
        do {
            let attributes = AtomicFile.Attributes(mode: 0o600, owner: geteuid(), group: getegid())
            try AtomicFile.replace(
                path,
                with: try Data(SealedJSON.seal(JSONEncoder().encode(entry))),
                attributes
            )
        } catch {
            throw .notRecorded(reason: "\(error)")
        }
    }

    /// Nil when nothing was proven for this run.
    func entry(of run: RunID) throws(DetachError) -> Entry? {
        let entry = try stored()
        return entry?.run == run ? entry : nil
    }

    private func stored() throws(DetachError) -> Entry? {
        do {
            switch SealedJSON.open(try OpenFile(regular: path).content(limit: Self.sizeLimit)) {
            // An earlier version's has no checksum; it lives no longer than its division.
            case .sound(let object), .unsealed(let object):
                return try WireJSON.decode(Entry.self, from: Data(object))
            case .damaged:
                throw DetachError.notRecorded(
                    reason: "\(path) was damaged on the disk (its checksum does not match); move it away"
                )
            }
        } catch let error as DetachError {
            throw error
        } catch FileError.unavailable(_, _, code: ENOENT) {
            return nil
        } catch {
            throw .notRecorded(reason: "\(path) cannot be read: \(error); move it away")
        }
    }

    /// Before closed ports are opened: a server that still runs will acknowledge more than was proven of it.
    ///
    /// While they were closed it could not, so that what is known of one that has ended meanwhile stays true.
    func forgetIfAlive() throws(DetachError) {
        let entry: Entry?
        do throws(DetachError) { entry = try stored() } catch {
            try forget()
            return
        }
        if let entry, kill(entry.pid, 0) == 0 || errno != ESRCH { try forget() }
    }

    /// The server is about to run again: what was proven is no longer all that it has acknowledged.
    func forget() throws(DetachError) {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .notRecorded(reason: "cannot remove \(path): \(systemReason())")
        }
    }
}

extension DetachRecord.Entry: Bounded {
    func check() throws(OutOfBounds) { try check("pid", pid, Bound.processID) }
}
