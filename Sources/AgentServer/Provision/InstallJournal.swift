import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls

/// What is under way on this host, on disk before the first change and gone after the last: what a crash leaves can be undone
/// or finished by whoever comes next.
struct InstallJournal: Hashable, Codable, Bounded {
    enum Phase: String, Hashable, Codable {
        /// Files take their places one after another: a crash here is undone.
        case placing
        /// All of them are in place, the unit is being started: a crash here is finished, or undone if that fails.
        case placed
        /// Everything is being taken away: a crash here is finished.
        case removing
    }

    struct Entry: Hashable, Codable {
        let file: ProvisionedFile
        /// Nil when there was none.
        let formerMode: UInt32?
    }

    /// A drop-in of ours beside a ZooKeeper's unit: what stood there, and what is to; nil for none.
    struct Hold: Hashable, Codable {
        let unit: String
        let former: String?
        let text: String?
    }

    var phase: Phase
    let entries: [Entry]
    /// Nil in one of an earlier version.
    let holds: [Hold]?
    /// Made for this, the outermost first.
    let folders: [String]
    let wasEnabled: Bool
    let wasActive: Bool
    /// Of the lapse's path unit; nil in a journal of an earlier version, which knew none.
    let lapse: Former?
    /// For `removing`: the state directory.
    let state: String

    /// What a unit was before.
    struct Former: Hashable, Codable {
        let wasEnabled: Bool
        let wasActive: Bool
    }

    func check() throws(OutOfBounds) {
        try check("entries", elementsOf: entries)
        try check("folders", elementsOf: folders)
        try check("holds", elementsOf: holds ?? [])
    }

    private static let sizeLimit = 1 << 20

    /// Nil when nothing is under way.
    static func read(_ places: HostPlaces) throws(ProvisionFailure) -> InstallJournal? {
        let bytes: [UInt8]
        do throws(BoundedFile.Failure) {
            bytes = try BoundedFile(reading: places.journal, limit: sizeLimit, followingLinks: false).bytes
        } catch {
            if case .unreadable(let failure) = error, failure.code == ENOENT { return nil }
            throw .refused(reason: "\(places.journal) cannot be read: \(error); look at it by hand")
        }
        guard case .sound(let object) = SealedJSON.open(bytes) else {
            throw .refused(
                reason: "\(places.journal) is damaged: an installation was broken off; compare the files in "
                    + "\(places.previous) with those in place, then remove \(places.workFolder)"
            )
        }
        do throws(WireProblem) {
            return try WireJSON.decode(InstallJournal.self, from: Data(object))
        } catch {
            throw .refused(
                reason: "\(places.journal) is of another version (\(error)); use that one to end it"
            )
        }
    }

    func write(_ places: HostPlaces) throws(ProvisionFailure) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            try DurableFile.replace(
                places.journal,
                with: SealedJSON.seal(try encoder.encode(self)) + Array("\n".utf8)
            )
        } catch {
            throw .refused(reason: "\(places.journal) cannot be written: \(error); free space there")
        }
    }
}
