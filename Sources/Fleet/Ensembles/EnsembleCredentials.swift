import FoundationEssentials
import Glibc
package import Settings
package import SystemCalls
package import ZooKeeperClient

/// Reads what sessions with ZooKeeper authenticate with, from a file that is its owner's alone.
///
/// Each line is `user:password`; what is read is shown nowhere, not even in an error.
package enum EnsembleCredentials {
    private static let limit = 65_536
    private static let most = 100

    /// None when the plan names none.
    package static func read(
        of plan: MigrationPlan,
        believing owners: TrustedOwners
    ) throws(CredentialFileError) -> [Credentials] {
        guard let planned = plan.credentials else { return [] }
        return switch planned.scheme {
        case .digest: try digests(in: planned.path, believing: owners)
        }
    }

    package static func digests(
        in path: String,
        believing owners: TrustedOwners
    ) throws(CredentialFileError) -> [Credentials] {
        let file: BoundedFile
        do throws(BoundedFile.Failure) {
            file = try BoundedFile(reading: path, limit: limit)
        } catch {
            switch error {
            case .unreadable(let failure): throw .unreadable(path, reason: failure.reason)
            case .notRegular: throw .unreadable(path, reason: "it is no plain file")
            case .tooLarge: throw .unreadable(path, reason: "it has more than \(limit) bytes")
            }
        }
        if let objection = owners.objection(to: path, file) { throw .notOurs(objection) }
        guard file.status.st_mode & 0o077 == 0 else {
            throw .open(path, mode: String(file.status.st_mode & 0o7777, radix: 8))
        }
        var found: [Credentials] = []
        for (number, line) in file.bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            let secret = line.last == 13 ? line.dropLast() : line
            guard !secret.isEmpty else { continue }
            guard let colon = secret.firstIndex(of: UInt8(ascii: ":")), colon > secret.startIndex,
                !secret.contains(0)
            else { throw .malformed(path, line: number + 1) }
            found.append(Credentials(scheme: "digest", secret: Array(secret)))
        }
        guard (1...most).contains(found.count) else { throw .malformed(path, line: 1) }
        return found
    }
}

package enum CredentialFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(String, reason: String)
    case notOurs(String)
    case open(String, mode: String)
    case malformed(String, line: Int)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "the credentials for ZooKeeper in \(path) cannot be read: \(reason). Correct 'auth.file' in the plan, or --auth-file"
        case .notOurs(let objection): "the credentials for ZooKeeper are not believed: \(objection)"
        case .open(let path, let mode):
            "\(path) holds credentials for ZooKeeper and can be read by others (mode \(mode)): take that away with chmod 600 \(path)"
        case .malformed(let path, let line):
            "\(path):\(line): not of the form user:password. Write one to a line, 100 lines at most"
        }
    }
}
