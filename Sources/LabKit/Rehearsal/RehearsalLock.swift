private import Glibc
internal import SystemCalls

/// Keeps a second rehearsal from a lab's name, as long as the value lives: each replaces whatever lab has its name.
package struct RehearsalLock: ~Copyable {
    private let lock: FileLock

    /// Refuses when another process holds it, and says which.
    package init(_ configuration: LabConfiguration) throws(LabError) {
        // Beside the lab's folder, which is removed with the lab.
        let path = configuration.directory + ".rehearsal"
        if let end = path.lastIndex(of: "/") { try Folder.make(String(path[..<end])) }
        let held = try Self.hold(path, configuration.name)
        do throws(SystemCallError) {
            let descriptor = try PlainFile.open(path, O_WRONLY | O_TRUNC)
            defer { close(descriptor) }
            try DescriptorOutput.write(Array("\(getpid())\n".utf8), to: descriptor)
        } catch {
            throw .file(path: path, reason: "cannot be written: \(error.reason)")
        }
        lock = held
    }

    private static func hold(_ path: String, _ name: String) throws(LabError) -> FileLock {
        do throws(FileLock.Failure) {
            return try FileLock(path, whenHeld: .refuse)
        } catch {
            switch error {
            case .held:
                throw .invalid(
                    reason:
                        "a rehearsal has the name '\(name)' already (\(holder(path))), and a second would take its hosts "
                        + "away: wait for its end, or give this one another name with --name"
                )
            case .unopened(let code): throw .file(path: path, reason: "cannot be opened (errno \(code))")
            case .unlockable(let code): throw .file(path: path, reason: "cannot be locked (errno \(code))")
            }
        }
    }

    /// What the file says of whoever holds it.
    private static func holder(_ path: String) -> String {
        do throws(BoundedFile.Failure) {
            let bytes = try BoundedFile(reading: path, limit: 20, followingLinks: false).bytes
            let digits = bytes.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            return digits.isEmpty
                ? "its process is not known" : "process \(String(decoding: digits, as: UTF8.self))"
        } catch {
            return "its process is not known"
        }
    }
}
