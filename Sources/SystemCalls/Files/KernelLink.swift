import Glibc

/// Where the kernel's own links lead: `/proc/PID/exe`, `/proc/PID/ns/net`.
package enum KernelLink {
    /// Nil when there is none, or it may not be looked at.
    package static func target(of path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return -1 }
            return readlink(path, base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count > 0 ? String(decoding: buffer[0..<count], as: UTF8.self) : nil
    }
}
