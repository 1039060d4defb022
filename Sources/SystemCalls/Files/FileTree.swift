import Glibc

/// A file, or a folder with everything in it.
package enum FileTree {
    /// Deeper than anything that a program of ours makes.
    private static let mostDepth = 64

    /// Removes it without following a link and without leaving its file system; what is not there is removed already.
    package static func remove(_ path: String) throws(SystemCallError) {
        var found = stat()
        guard lstat(path, &found) == 0 else {
            guard errno == ENOENT else { throw .last("examine") }
            return
        }
        try remove(path, found, device: found.st_dev, depth: 0)
    }

    private static func remove(_ path: String, _ found: stat, device: dev_t, depth: Int)
        throws(SystemCallError)
    {
        guard found.st_mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 || errno == ENOENT else { throw .last("remove") }
            return
        }
        guard found.st_dev == device else { throw SystemCallError(call: "remove", code: EXDEV) }
        guard depth < mostDepth else { throw SystemCallError(call: "remove", code: ELOOP) }
        for name in try names(in: path) {
            let entry = "\(path)/\(name)"
            var status = stat()
            guard lstat(entry, &status) == 0 else { continue }
            try remove(entry, status, device: device, depth: depth + 1)
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw .last("remove") }
    }

    /// The names in a folder, in no order.
    package static func names(in path: String) throws(SystemCallError) -> [String] {
        guard let folder = opendir(path) else { throw .last("open") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
