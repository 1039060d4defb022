internal import Glibc
package import SystemCalls

/// A file read whole, with the mode and stamp of exactly what was read.
package struct CredentialFile: Sendable {
    package let path: String
    package let bytes: [UInt8]
    package let mode: UInt32
    let stamp: FileStamp

    private static let sizeLimit = 16 << 20

    /// - Parameter owners: whose file it must be, in a folder where nobody else can replace it; nil for anybody's.
    package init(reading path: String, believing owners: TrustedOwners? = nil) throws(TLSError) {
        let file: BoundedFile
        do throws(BoundedFile.Failure) {
            file = try BoundedFile(reading: path, limit: Self.sizeLimit)
        } catch {
            switch error {
            case .unreadable(let failure): throw .unreadable(path: path, reason: failure.reason)
            case .notRegular: throw .unreadable(path: path, reason: "not a regular file")
            case .tooLarge: throw .unreadable(path: path, reason: "larger than 16 MB")
            }
        }
        if let objection = owners?.objection(to: path, file) ?? owners?.objection(toFolderOf: path) {
            throw .notOurs(reason: objection)
        }
        bytes = file.bytes
        mode = file.status.st_mode & 0o7777
        stamp = FileStamp(file.status)
        self.path = path
    }

    /// What came otherwise than from a file.
    package init(_ bytes: [UInt8], named name: String) {
        self.bytes = bytes
        path = name
        mode = 0o600
        stamp = FileStamp(stat())
    }
}
