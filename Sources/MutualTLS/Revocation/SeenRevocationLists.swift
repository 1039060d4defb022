internal import FoundationEssentials
internal import Glibc
internal import Synchronization
internal import SystemCalls

/// The newest list of each authority that was ever in force here: an older one never takes its place.
///
/// An authority is known by its key. One that was made anew has another key and begins at number 1 again.
package final class SeenRevocationLists: Sendable {
    /// Where it is kept, so that a restart with an older list is refused, too.
    package struct Place: Hashable, Sendable {
        package let path: String
        /// Held while the file is replaced, where several programs share it.
        package let lock: String?

        package init(path: String, lock: String? = nil) {
            self.path = path
            self.lock = lock
        }
    }

    private struct Entry: Hashable, Codable {
        let authority: String
        let number: String
        let digest: String
    }

    private struct Page: Codable {
        let lists: [Entry]
    }

    private struct Seen: Hashable {
        let number: RevocationNumber
        let digest: String
    }

    private struct Known {
        /// Oldest first.
        var order: [String] = []
        var seen: [String: Seen] = [:]
        /// What the file holds may be less.
        var isKept = true

        mutating func take(_ authority: String, _ fresh: Seen) {
            if let before = seen[authority], before.number >= fresh.number { return }
            if seen[authority] == nil { order.append(authority) }
            seen[authority] = fresh
            isKept = false
        }
    }

    private static let sizeLimit = 64 << 10
    private static let mostAuthorities = 64

    private let place: Place?
    private let isWritten: Bool
    private let known: Mutex<Known>

    /// Reads what was kept; nothing is written yet.
    ///
    /// - Parameters:
    ///   - place: nil to remember for as long as the program runs.
    ///   - isWritten: false for a program that only looks.
    package init(_ place: Place?, isWritten: Bool = true) throws(TLSError) {
        self.place = place
        self.isWritten = isWritten
        known = Mutex(try place.map { place throws(TLSError) in try Self.read(place.path) } ?? Known())
    }

    /// Throws when a list is older than the one that was in force, or when one is missing.
    ///
    /// - Parameter authorities: key digests of those that are trusted.
    func check(_ lists: [RevocationListFacts], of authorities: [String], in path: String) throws(TLSError) {
        let seen = known.withLock { $0.seen }
        for authority in authorities {
            guard let before = seen[authority] else { continue }
            let fault: RevocationListFault? =
                if let list = lists.first(where: { $0.authority == authority }) {
                    if list.number < before.number {
                        .older(number: list.number, seen: before.number)
                    } else if list.number == before.number, list.digest != before.digest {
                        .sameNumber(list.number)
                    } else {
                        nil
                    }
                } else {
                    .missing(seen: before.number)
                }
            if let fault {
                throw .revocationListTakenBack(path: path, authority: authority, fault: fault)
            }
        }
    }

    /// Remembers the lists, which are in force now; on disk when this has returned.
    ///
    /// They are remembered even when the disk does not take them; `note` again writes them.
    func note(_ lists: [RevocationListFacts]) throws(TLSError) {
        let isDue = known.withLock { known in
            for list in lists { known.take(list.authority, Seen(number: list.number, digest: list.digest)) }
            return !known.isKept
        }
        guard isDue, isWritten, let place else { return }
        let lock = try place.lock.map { path throws(TLSError) in try Self.lock(path) }
        defer { withExtendedLifetime(lock) {} }
        // Another program may have seen newer ones meanwhile.
        let kept = try Self.read(place.path)
        let page = known.withLock { known -> Page in
            for authority in kept.order {
                if let seen = kept.seen[authority] { known.take(authority, seen) }
            }
            let entries = known.order.suffix(Self.mostAuthorities).compactMap { authority in
                known.seen[authority].map {
                    Entry(authority: authority, number: $0.number.description, digest: $0.digest)
                }
            }
            return Page(lists: entries)
        }
        try Self.write(page, to: place.path)
        known.withLock { $0.isKept = true }
    }

    private static func read(_ path: String) throws(TLSError) -> Known {
        let bytes: [UInt8]
        do throws(BoundedFile.Failure) {
            bytes = try BoundedFile(reading: path, limit: sizeLimit, followingLinks: false).bytes
        } catch {
            switch error {
            case .unreadable(let failure) where failure.code == ENOENT: return Known()
            case .unreadable(let failure): throw damaged(path, failure.reason)
            case .notRegular: throw damaged(path, "it is not a regular file")
            case .tooLarge: throw damaged(path, "it is larger than it can be")
            }
        }
        let object: [UInt8]
        let isSealed: Bool
        switch SealedJSON.open(bytes) {
        case .sound(let found): (object, isSealed) = (found, true)
        case .unsealed(let found): (object, isSealed) = (found, false)
        case .damaged: throw damaged(path, "its checksum does not match")
        }
        let page: Page
        do {
            page = try JSONDecoder().decode(Page.self, from: Data(object))
        } catch {
            throw damaged(path, "it is no record of revocation lists")
        }
        var known = Known()
        for (index, entry) in page.lists.enumerated() {
            guard page.lists.count <= mostAuthorities, let number = RevocationNumber(entry.number),
                isDigest(entry.authority), isDigest(entry.digest)
            else { throw damaged(path, "its entry \(index + 1) makes no sense") }
            known.take(entry.authority, Seen(number: number, digest: entry.digest))
        }
        // What an earlier version wrote gets its checksum when it is written next: at the next start, too.
        known.isKept = isSealed
        return known
    }

    private static func write(_ page: Page, to path: String) throws(TLSError) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let content = try SealedJSON.seal(encoder.encode(page)) + Array("\n".utf8)
            try DurableFile.replace(path, with: content)
        } catch let error as SystemCallError {
            throw .unkept(path: path, reason: error.reason)
        } catch {
            throw .unkept(path: path, reason: "\(error)")
        }
    }

    private static func lock(_ path: String) throws(TLSError) -> HeldLock {
        do throws(FileLock.Failure) {
            return HeldLock(try FileLock(path, whenHeld: .wait))
        } catch {
            switch error {
            case .unopened(let code), .unlockable(let code):
                throw .unkept(path: path, reason: systemReason(code))
            case .held: throw .unkept(path: path, reason: "it is locked")
            }
        }
    }

    private static func damaged(_ path: String, _ reason: String) -> TLSError {
        .malformed(
            path: path,
            detail:
                "\(reason); without it nobody can tell an older revocation list from a newer one. See that the "
                + "newest list is in place, then move the file away"
        )
    }

    private static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    private final class HeldLock {
        private let lock: FileLock
        init(_ lock: consuming FileLock) { self.lock = lock }
    }
}
