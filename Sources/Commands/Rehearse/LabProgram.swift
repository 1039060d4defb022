import Glibc
import SystemCalls

/// `mitosis-lab`, which takes this program's place.
struct LabProgram {
    let path: String

    /// Beside this program, then where packages and people install it.
    static func find() throws -> LabProgram {
        let places = [ownFolder, "/usr/bin", "/usr/local/bin"].map { $0 + "/mitosis-lab" }
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else {
            throw Complaint(
                "mitosis-lab is not installed: install the package mitosis-lab, or put the program beside this one; looked for "
                    + places.joined(separator: ", ")
            )
        }
        return LabProgram(path: path)
    }

    /// Its output, signals and exit status are this program's; returns only when it cannot be started.
    ///
    /// - Parameters:
    ///   - document: what it reads from the file that `naming` gives to its arguments. That file has no name, so that nothing
    ///     of it is left whatever ends the two programs.
    func takePlace(reading document: [UInt8], _ arguments: (_ naming: String) -> [String]) throws -> Never {
        let descriptor = try Self.namelessFile()
        do throws(SystemCallError) {
            try DescriptorOutput.write(document, to: descriptor)
        } catch {
            throw Complaint("what is to be rehearsed cannot be handed over: \(error.reason)")
        }
        // A thread of a pool has signals blocked, and whatever it becomes would keep that.
        var everything = sigset_t()
        sigfillset(&everything)
        pthread_sigmask(SIG_UNBLOCK, &everything, nil)
        let words = [path] + arguments("/proc/self/fd/\(descriptor)")
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        execv(path, &argv)
        let reason = systemReason()
        for word in argv { free(word) }
        throw Complaint("\(path) cannot be started: \(reason)")
    }

    /// `O_TMPFILE`, which the C library's overlay leaves out.
    private static let nameless: Int32 = 0o20_000_000 | O_DIRECTORY

    /// In memory, its owner's alone, and open in the program that takes this one's place.
    private static func namelessFile() throws -> Int32 {
        let descriptor = open("/dev/shm", O_RDWR | nameless, 0o600)
        guard descriptor >= 0 else {
            throw Complaint("/dev/shm: no file can be made there: \(systemReason())")
        }
        return descriptor
    }

    private static var ownFolder: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
