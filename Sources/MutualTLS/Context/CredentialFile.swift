internal import Glibc
internal import SystemCalls

/// A file read whole, with the mode and stamp of exactly what was read.
package struct CredentialFile: Sendable {
    package let path: String
    package let bytes: [UInt8]
    package let mode: UInt32
    let stamp: FileStamp

    private static let sizeLimit = 16 << 20

    package init(reading path: String) throws(TLSError) {
        do throws(BoundedFile.Failure) {
            let file = try BoundedFile(reading: path, limit: Self.sizeLimit)
            bytes = file.bytes
            mode = file.status.st_mode & 0o7777
            stamp = FileStamp(file.status)
        } catch {
            switch error {
            case .unreadable(let failure): throw .unreadable(path: path, reason: failure.reason)
            case .notRegular: throw .unreadable(path: path, reason: "not a regular file")
            case .tooLarge: throw .unreadable(path: path, reason: "larger than 16 MB")
            }
        }
        self.path = path
    }
}
