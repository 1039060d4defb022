import Settings
import Subprocess
import SystemCalls
import SystemPackage

/// One program run on one host over the system's ssh, from beginning to end.
struct SSHErrand: Sendable {
    enum Ending: Hashable, Sendable {
        /// The program's own.
        case exited(status: Int32, output: String, errors: String)
        /// ssh or sudo did not get as far as running it, or the connection broke.
        case notRun(reason: String)
    }

    let host: InventoryHost
    let password: String?
    /// The ssh to call; tests have another.
    let ssh: String

    private static let mostOutput = 4 << 20
    private static let mostErrors = 16_384
    /// ssh's own failures.
    private static let ownStatus: Int32 = 255

    func run(_ words: [String]) async -> Ending {
        guard let password else { return await run(words, input: .none) }
        do throws(SystemCallError) {
            // Written before it begins: it may end before it reads.
            let given = FileDescriptor(rawValue: try PrivatePipe.holding(Array((password + "\n").utf8)))
            return await run(words, input: .fileDescriptor(given, closeAfterSpawningProcess: true))
        } catch {
            return .notRun(reason: error.reason)
        }
    }

    private func run(_ words: [String], input: some InputProtocol) async -> Ending {
        let command = SSHCommand(host: host, running: words, asksPassword: password != nil)
        do {
            let result = try await Subprocess.run(
                SSHCommand.executable(ssh),
                arguments: Arguments(command.arguments),
                platformOptions: SSHCommand.platformOptions,
                input: input,
                output: .string(limit: Self.mostOutput),
                error: .string(limit: Self.mostErrors)
            )
            let errors = result.standardError.replacing(SSHCommand.sudoPrompt, with: "")
            let status: Int32 =
                switch result.terminationStatus {
                case .exited(let code): code
                case .signaled(let number): 128 + number
                }
            let isSudos = status == 1 && Self.isSudosOwn(errors, output: result.standardOutput)
            if status == Self.ownStatus || isSudos {
                let ending = SSHEnding(status: status, errors: errors)
                return .notRun(reason: ending.reason(host: host.address, greeted: false, seconds: 0))
            }
            return .exited(status: status, output: result.standardOutput, errors: errors)
        } catch {
            return .notRun(reason: "\(ssh) cannot be run, or said more than anything takes: \(error)")
        }
    }

    /// Whether sudo had the last word.
    ///
    /// It warns, and then runs the program nevertheless ("sudo: unable to resolve host"): a program that said anything was run.
    private static func isSudosOwn(_ errors: String, output: String) -> Bool {
        let lines = errors.split(separator: "\n")
        guard output.isEmpty, !lines.contains(where: { $0.hasPrefix(ownMark) }), let last = lines.last else {
            return false
        }
        return last.hasPrefix("sudo: ") || last.contains(" is not in the sudoers file")
            || last.contains(" is not allowed to execute ") || last.contains(" may not run sudo on ")
    }

    /// What an agent's program begins with when it complains.
    private static let ownMark = "mitosis-agent: "
}
