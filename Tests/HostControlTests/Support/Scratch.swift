import FoundationEssentials
import Glibc
import Synchronization
import Testing

/// A directory of its own for one test, gone with it.
///
/// What is kept alive to the end, as by an agent that has died and waits for ever, goes with the program.
final class Scratch: Sendable {
    private static let standing = Mutex<Set<String>>([])
    private static let sweep: Void = {
        atexit { for path in Scratch.standing.withLock(\.self) { Scratch.remove(path) } }
    }()

    let path: String

    init() throws {
        var template = Array("/tmp/mitosis-test-XXXXXX".utf8CString)
        let made = mkdtemp(&template) != nil
        try #require(made)
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.path = path
        Self.sweep
        Self.standing.withLock { _ = $0.insert(path) }
    }

    deinit {
        Self.remove(path)
        Self.standing.withLock { [path] in _ = $0.remove(path) }
    }

    private static func remove(_ path: String) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("left behind: \(path): \(error)")
        }
    }

    func callAsFunction(_ name: String) -> String { path + "/" + name }

    @discardableResult
    func file(_ name: String, _ content: [UInt8], mode: mode_t = 0o644) throws -> String {
        let path = self(name)
        try Data(content).write(to: URL(filePath: path))
        try #require(chmod(path, mode) == 0)
        return path
    }

    @discardableResult
    func directory(_ name: String) throws -> String {
        try #require(mkdir(self(name), 0o755) == 0)
        return self(name)
    }

    func names(in directory: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/" + directory).sorted()
    }
}

func content(of path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

/// Waits until `condition` holds; false when it does not within `limit`.
func eventually(
    within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        do { try await Task.sleep(for: .milliseconds(50)) } catch { return false }
    }
    return try await condition()
}
