import FoundationEssentials
import Glibc

/// A directory of a test's own, gone with the last reference.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/mitosis-agent-test.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestProblem("mkdtemp: errno \(errno)") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("left behind: \(path): \(error)")
        }
    }

    func write(_ name: String, _ content: [UInt8], mode: mode_t = 0o600) throws -> String {
        let file = path + "/" + name
        let fresh = file + ".fresh"
        try Data(content).write(to: URL(filePath: fresh))
        guard chmod(fresh, mode) == 0, rename(fresh, file) == 0 else {
            throw TestProblem("cannot write \(file)")
        }
        return file
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path + "/" + name)), as: UTF8.self)
    }
}

struct TestProblem: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
