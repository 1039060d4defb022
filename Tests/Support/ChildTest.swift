import Foundation
import Glibc
import Synchronization

/// One test of this very program, in a process of its own: to be killed, or to be sent signals.
///
/// Such a test is enabled by `ChildTest.isRunning` only, and finds what it needs in the environment.
package final class ChildTest: Sendable {
    private static let mark = "MITOSIS_CHILD_TEST"

    /// What the test that runs in this process was told; nil in the program that `swift test` has started.
    package static var argument: String? { ProcessInfo.processInfo.environment[mark] }

    package static func isRunning(_ name: String) -> Bool { argument?.hasPrefix(name + ":") ?? false }

    /// - Parameters:
    ///   - name: the function that the child runs, without parentheses.
    ///   - argument: what it finds in `parameter`.
    package static func start(_ name: String, _ argument: String) throws -> ChildTest {
        try ChildTest(name, argument)
    }

    /// What the parent gave with the name.
    package static var parameter: String {
        argument.map { String($0[$0.index(after: $0.firstIndex(of: ":") ?? $0.startIndex)...]) } ?? ""
    }

    private let process: Mutex<Process>
    private let input = Pipe()
    private let pid: pid_t

    private init(_ name: String, _ argument: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--testing-library", "swift-testing", "--filter", "\(name)\\("]
        process.environment = ProcessInfo.processInfo.environment
            .merging([Self.mark: "\(name):\(argument)"]) { $1 }
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        pid = process.processIdentifier
        self.process = Mutex(process)
    }

    deinit { kill(pid, SIGKILL) }

    package func signal(_ number: Int32) { kill(pid, number) }

    /// Whether it has ended by itself or by a signal within the time.
    package func ends(within limit: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while process.withLock({ $0.isRunning }) {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }
}
