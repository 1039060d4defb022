import Glibc
import Subprocess
import SystemCalls
import SystemPackage

/// A program of the operator's own, run to its end on this machine: in a session of its own, without a shell.
package struct OwnProgram: Sendable {
    package enum Ending: Hashable, Sendable {
        case exited(status: Int32)
        case signaled(number: Int32)
        /// Ended by us, with all that it had started in its session.
        case late
        /// The same, as the operator asked.
        case stopped
        case notRun(reason: String)
    }

    package struct Outcome: Hashable, Sendable {
        package let ending: Ending
        /// What it printed last on both of its outputs, as it was.
        package let output: String
        package let isCut: Bool
        package let seconds: Double
    }

    /// Bytes that are kept of what it prints: the last ones.
    package static let mostOutput = 65_536

    /// What a pipe holds that nobody reads: the program may end without.
    package static let mostInput = 16_384

    private let command: [String]
    private let limit: Duration
    private let environment: [String: String]
    private let input: [UInt8]

    /// - Parameters:
    ///   - environment: what it is told besides this program's own.
    ///   - input: what it may read, of which `mostInput` bytes are given at most.
    package init(
        _ command: [String],
        within limit: Duration,
        environment: [String: String] = [:],
        input: [UInt8] = []
    ) {
        self.command = command
        self.input = Array(input.prefix(Self.mostInput))
        self.limit = limit
        self.environment = environment
    }

    private struct Printed: Sendable {
        var bytes: [UInt8] = []
        var isCut = false

        mutating func add(_ more: [UInt8]) {
            bytes += more
            guard bytes.count > 2 * mostOutput else { return }
            cut()
        }

        mutating func cut() {
            guard bytes.count > mostOutput else { return }
            bytes.removeFirst(bytes.count - mostOutput)
            isCut = true
        }
    }

    /// - Parameter goesOn: asked each second with the seconds that have passed; the program is ended when it answers false.
    package func run(while goesOn: @escaping @Sendable (Int) -> Bool) async -> Outcome {
        let began = ContinuousClock.now
        let printed = Kept()
        let work = Task { await Deadline.cancelling(after: limit) { await perform(into: printed) } }
        let watch = Task {
            var seconds = 0
            while true {
                do { try await Task.sleep(for: .seconds(1)) } catch { return false }
                seconds += 1
                if !goesOn(seconds) {
                    work.cancel()
                    return true
                }
            }
        }
        let ended = await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
        watch.cancel()
        let wasStopped = await watch.value
        let output = await printed.content
        return Outcome(
            ending: wasStopped ? .stopped : ended ?? .late,
            output: String(decoding: output.bytes, as: UTF8.self),
            isCut: output.isCut,
            seconds: began.duration(to: .now).seconds
        )
    }

    /// What was printed until now, also by a program that is then ended.
    private actor Kept {
        private var printed = Printed()

        func add(_ bytes: [UInt8]) { printed.add(bytes) }

        var content: Printed {
            var last = printed
            last.cut()
            return last
        }
    }

    private func perform(into printed: Kept) async -> Ending {
        guard let program = command.first else { return .notRun(reason: "no program is named") }
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(500)),
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(100)),
        ]
        let told = Dictionary(
            uniqueKeysWithValues: environment.map {
                (Environment.Key(stringLiteral: $0.key), String?.some($0.value))
            }
        )
        let given: FileDescriptor
        do throws(SystemCallError) { given = FileDescriptor(rawValue: try PrivatePipe.holding(input)) } catch
        {
            return .notRun(reason: error.reason)
        }
        do {
            let result = try await Subprocess.run(
                program.contains("/") ? .path(FilePath(program)) : .name(program),
                arguments: Arguments(Array(command.dropFirst())),
                environment: .inherit.updating(told),
                platformOptions: options,
                input: .fileDescriptor(given, closeAfterSpawningProcess: true),
                output: .sequence,
                error: .combinedWithOutput
            ) { execution in
                for try await buffer in execution.standardOutput {
                    await printed.add(buffer.withUnsafeBytes { Array($0) })
                }
            }
            switch result.terminationStatus {
            case .exited(let status): return .exited(status: status)
            case .signaled(let number): return .signaled(number: number)
            }
        } catch {
            return .notRun(reason: "\(error)")
        }
    }
}
