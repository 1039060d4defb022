import Glibc

/// The processes that this one can see.
package enum ProcessList {
    package static func pids() -> [Int32] {
        guard let stream = opendir("/proc") else { return [] }
        defer { closedir(stream) }
        var found: [Int32] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let pid = Int32(name) { found.append(pid) }
        }
        return found
    }

    /// By their parents; a look through all takes a few milliseconds.
    package static func children() -> [Int32: [Int32]] {
        var children: [Int32: [Int32]] = [:]
        for pid in pids() {
            // The second field is the name in parentheses and may itself hold spaces and parentheses.
            guard let stat = KernelText.read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else {
                continue
            }
            let fields = stat[close...].split(separator: " ", maxSplits: 3)
            guard fields.count > 2, let parent = Int32(fields[2]) else { continue }
            children[parent, default: []].append(pid)
        }
        return children
    }
}
