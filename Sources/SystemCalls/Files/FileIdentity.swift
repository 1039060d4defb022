package import Glibc

/// A file or directory as the kernel knows it, whatever it is called at the moment.
package struct FileIdentity: Hashable, Sendable, Codable {
    package let device: UInt64
    package let inode: UInt64

    package init(_ found: stat) {
        device = UInt64(found.st_dev)
        inode = UInt64(found.st_ino)
    }
}
