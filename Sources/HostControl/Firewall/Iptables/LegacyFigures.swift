import Glibc
import SystemCalls
package import Topology

/// How many entries the kernel's own tables `filter` of iptables-legacy have, and how long they are, in this network namespace.
///
/// The kernel tells of no change to them. But rules that somebody adds or removes change these figures, and a table that has the
/// kernel's own four entries has no rule and no chain of anybody's (*measured*: 10 us, where iptables-legacy-save takes 4 ms).
package struct LegacyFigures: Hashable, Sendable {
    package struct FilterFigures: Hashable, Sendable {
        package let entries: UInt32
        /// Bytes.
        package let size: UInt32

        package init(entries: UInt32, size: UInt32) {
            self.entries = entries
            self.size = size
        }
    }

    /// Of the families that have such a table.
    package let tables: [IPAddress.Family: FilterFigures]

    package init(tables: [IPAddress.Family: FilterFigures]) { self.tables = tables }

    /// Three chains that end in their policies, and the mark of the table's end.
    private static let unused: UInt32 = 4

    /// Whether there is no rule at all.
    package var areEmpty: Bool { tables.values.allSatisfy { $0.entries <= Self.unused } }

    /// Nil when the kernel does not tell.
    ///
    /// Asking for a table that is not there would make one.
    package static func read() -> LegacyFigures? {
        var tables: [IPAddress.Family: FilterFigures] = [:]
        for family in IPAddress.Family.both {
            switch exists(family) {
            case true?:
                guard let table = ask(family) else { return nil }
                tables[family] = table
            case false?: continue
            case nil: return nil
            }
        }
        return LegacyFigures(tables: tables)
    }

    private static func exists(_ family: IPAddress.Family) -> Bool? {
        // The thread's network namespace, as the socket's below.
        let file = family.legacyTableNames.replacing("/self/", with: "/thread-self/")
        do throws(FileError) {
            let names = try OpenFile(file, O_RDONLY).content(limit: 4096)
            return String(decoding: names, as: UTF8.self).split(separator: "\n").contains("filter")
        } catch .unavailable(_, _, code: ENOENT) {
            return false
        } catch {
            return nil
        }
    }

    // `struct ipt_getinfo`: name[32], valid_hooks, hook_entry[5], underflow[5], num_entries, size.
    private static let length = 84
    private static let entriesAt = 76
    private static let sizeAt = 80
    /// IPT_SO_GET_INFO and IP6T_SO_GET_INFO.
    private static let question: Int32 = 64

    private static func ask(_ family: IPAddress.Family) -> FilterFigures? {
        let (domain, level): (Int32, Int32) =
            switch family {
            case .ipv4: (AF_INET, Int32(IPPROTO_IP))
            case .ipv6: (AF_INET6, Int32(IPPROTO_IPV6))
            }
        let raw = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Glibc.socket(domain, raw, Int32(IPPROTO_RAW))
        guard socket >= 0 else { return nil }
        defer { close(socket) }
        var answer = [UInt8](repeating: 0, count: length)
        answer.replaceSubrange(0..<6, with: Array("filter".utf8))
        var count = socklen_t(length)
        guard getsockopt(socket, level, question, &answer, &count) == 0, count == length else { return nil }
        return answer.withUnsafeBytes { bytes in
            FilterFigures(
                entries: bytes.loadUnaligned(fromByteOffset: entriesAt, as: UInt32.self),
                size: bytes.loadUnaligned(fromByteOffset: sizeAt, as: UInt32.self)
            )
        }
    }
}
