import ControlProtocol
import FoundationEssentials
import Glibc

/// The agent that is installed: what it needs of a host is read from the file itself.
package struct AgentBinary: Hashable, Sendable {
    package let content: [UInt8]
    package let sha256: String
    /// As `uname -m` says it; nil for a kind that is not known here.
    package let machine: String?
    /// The newest version of the C library that it asks for.
    package let glibc: LibraryVersion?

    package init(_ content: [UInt8]) {
        self.content = content
        sha256 = ContentDigest.sha256(Data(content))
        machine = Self.machine(content)
        glibc = Self.glibc(content)
    }

    private static func machine(_ content: [UInt8]) -> String? {
        guard content.count > 20, content.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { return nil }
        switch UInt16(content[18]) | UInt16(content[19]) << 8 {
        case 62: return "x86_64"
        case 183: return "aarch64"
        case _: return nil
        }
    }

    /// From the names of symbol versions; packed relocations came with 2.36.
    private static func glibc(_ content: [UInt8]) -> LibraryVersion? {
        var newest: LibraryVersion?
        let mark = Array("GLIBC_".utf8)
        let packed = Array("ABI_DT_RELR".utf8)
        content.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            var index = 0
            while index + mark.count < bytes.count,
                let found = memchr(start + index, Int32(mark[0]), bytes.count - index)
            {
                index = start.distance(to: found) + 1
                let next = index - 1 + mark.count
                guard next < bytes.count, memcmp(found, mark, mark.count) == 0 else { continue }
                let rest = bytes[next..<min(bytes.count, next + 16)]
                let version =
                    rest.starts(with: packed)
                    ? LibraryVersion(major: 2, minor: 36)
                    : LibraryVersion(String(decoding: rest.prefix { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self))
                if let version, version.major == 2, version.minor < 1000 {
                    newest = max(newest ?? version, version)
                }
            }
        }
        return newest
    }
}
