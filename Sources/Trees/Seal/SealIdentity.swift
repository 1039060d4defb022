import Glibc
import SystemCalls
package import ZooKeeperClient

/// The digest identity that alone may do anything with what is sealed: kept in a file of mode 0600, as `user:password`.
///
/// Sessions of other programs may use the file, too: it is of the form that `auth` and --auth-file name.
package struct SealIdentity: Sendable {
    static let user = "mitosis-seal"
    private let password: String

    package var credentials: Credentials { .digest(user: Self.user, password: password) }

    /// The one in the file; one that nobody can guess is made where there is none.
    package init(file path: String) throws(TreesError) {
        if access(path, F_OK) == 0 {
            password = try Self.read(path)
            return
        }
        var generator = SystemRandomNumberGenerator()
        password = (0..<4).map { _ in String(generator.next(), radix: 36) }.joined()
        do throws(SystemCallError) {
            try DurableFile.replace(path, with: Array("\(Self.user):\(password)\n".utf8), mode: 0o600)
        } catch {
            throw .unusable(path: path, reason: error.reason)
        }
    }

    private static func read(_ path: String) throws(TreesError) -> String {
        let file: BoundedFile
        do throws(BoundedFile.Failure) {
            file = try BoundedFile(reading: path, limit: 1000)
        } catch {
            switch error {
            case .unreadable(let failure): throw .unusable(path: path, reason: failure.reason)
            case .notRegular: throw .unusable(path: path, reason: "it is no plain file")
            case .tooLarge: throw .unusable(path: path, reason: "it has more than 1000 bytes")
            }
        }
        guard file.status.st_mode & 0o077 == 0 else {
            throw .unusable(path: path, reason: "others can read it: take that away with chmod 600 \(path)")
        }
        let text = String(decoding: file.bytes, as: UTF8.self)
        let prefix = user + ":"
        guard text.hasPrefix(prefix), text.hasSuffix("\n"), text.utf8.count > prefix.utf8.count + 16 else {
            throw .unusable(path: path, reason: "it does not hold the identity of a seal")
        }
        return String(text.dropFirst(prefix.count).dropLast())
    }
}
