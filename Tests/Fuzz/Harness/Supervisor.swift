import Foundation
import Glibc

/// Runs targets in processes of their own, and says of each what became of it.
struct Supervisor {
    struct Outcome {
        let target: String
        let seed: UInt64
        var executions = 0
        var passed = 0
        var memoryAtStart = 0
        var memoryAtEnd = 0
        /// What went wrong, each with the input that did it.
        var faults: [String] = []

        var share: Double { executions == 0 ? 0 : Double(passed) / Double(executions) }
    }

    /// Seconds of a worker's own processor time that one input may take.
    private static let longest = 10.0
    /// Seconds of silence after which a worker counts as stuck that does not even compute.
    private static let silence = 180.0

    let program: String
    let corpus: String
    /// Where inputs that did harm are kept.
    let kept: String
    /// After how many of its faults a target is given up.
    let faults: Int
    /// For each worker.
    let executions: Int
    /// MiB by which a target's memory may grow.
    let growth: Int

    func run(_ target: FuzzTarget, seed: UInt64, seconds: Double) throws -> Outcome {
        var outcome = Outcome(target: target.name, seed: seed)
        var left = seconds
        var seed = seed
        while left > 0, outcome.faults.count < faults {
            let begin = Date()
            let worker = try Child(program, target, corpus, seed, left, executions)
            let ending = worker.wait(longest: Self.longest, silence: Self.silence)
            outcome.executions += worker.page[.executions]
            outcome.passed += worker.page[.passed]
            outcome.memoryAtStart = max(outcome.memoryAtStart, worker.page[.memoryAtStart])
            outcome.memoryAtEnd = max(outcome.memoryAtEnd, worker.page[.memoryNow])
            switch ending {
            case .good: break
            case .bad(let what):
                outcome.faults.append(try keep(worker, target, seed, what, number: outcome.faults.count + 1))
            }
            guard case .bad = ending else { break }
            left -= max(0.5, -begin.timeIntervalSinceNow)
            seed &+= 1
        }
        judge(&outcome)
        return outcome
    }

    private func judge(_ outcome: inout Outcome) {
        guard outcome.faults.isEmpty else { return }
        if outcome.share < 0.1 {
            outcome.faults.append("fewer than a tenth of the inputs got past the first parser")
        }
        if outcome.memoryAtEnd - outcome.memoryAtStart > growth << 10 {
            outcome.faults.append("memory grew by \((outcome.memoryAtEnd - outcome.memoryAtStart) >> 10) MiB")
        }
    }

    private func keep(_ worker: Child, _ target: FuzzTarget, _ seed: UInt64, _ what: String, number: Int)
        throws
        -> String
    {
        try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
        let path = "\(kept)/\(target.name)-\(seed)-\(number).input"
        try Data(worker.page.input).write(to: URL(filePath: path))
        let told = worker.lastWords.map { "; \($0)" } ?? ""
        return
            "\(what) after \(worker.page[.executions]) executions with seed \(seed), input in \(path)\(told); "
            + "repeat it with: mitosis-fuzz --target \(target.name) --replay \(path)"
    }
}

/// A worker's process.
private final class Child {
    enum Ending {
        case good
        case bad(String)
    }

    let page: SharedPage
    private let process = Process()
    private let folder: String
    private var errors: String { folder + "/errors" }

    init(
        _ program: String,
        _ target: FuzzTarget,
        _ corpus: String,
        _ seed: UInt64,
        _ seconds: Double,
        _ executions: Int
    ) throws {
        // In memory: journals and records wait for their disk.
        folder = "/dev/shm/mitosis-fuzz-\(getpid())-\(target.name)-\(seed)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        page = try SharedPage(path: folder + "/page")
        process.executableURL = URL(filePath: program)
        process.arguments = [
            "--worker", target.name, "--corpus", corpus, "--seed", "\(seed)", "--seconds", "\(seconds)",
            "--executions", "\(executions)",
            "--folder", folder,
        ]
        // A trap is told by its signal; unwinding a backtrace takes longer than the rest of the run.
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) {
            $1
        }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try Data().write(to: URL(filePath: folder + "/errors"))
        process.standardError = FileHandle(forWritingAtPath: folder + "/errors")
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        do { try FileManager.default.removeItem(atPath: folder) } catch {
            FileHandle.standardError.write(Data("left behind: \(folder): \(error)\n".utf8))
        }
    }

    /// What it said last, for instance which precondition did not hold.
    var lastWords: String? {
        guard let data = FileManager.default.contents(atPath: errors) else { return nil }
        let text = String(decoding: data.suffix(4000), as: UTF8.self)
        return text.split(separator: "\n").last { $0.contains("rror") || $0.contains("mitosis-fuzz") }
            .map { String($0.prefix(300)) }
    }

    func wait(longest: Double, silence: Double) -> Ending {
        var (seen, since, used) = (-1, Date(), processorTime())
        while process.isRunning {
            usleep(50_000)
            let now = page[.executions]
            if now != seen { (seen, since, used) = (now, Date(), processorTime()) }
            if processorTime() - used > longest || -since.timeIntervalSinceNow > silence {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                return .bad("HANG")
            }
        }
        switch process.terminationReason {
        case .exit where process.terminationStatus == 0: return .good
        case .exit: return .bad("worker ended with status \(process.terminationStatus)")
        case .uncaughtSignal: return .bad("CRASH by signal \(process.terminationStatus)")
        @unknown default: return .bad("worker ended")
        }
    }

    /// Seconds.
    private func processorTime() -> Double {
        guard let data = FileManager.default.contents(atPath: "/proc/\(process.processIdentifier)/stat")
        else {
            return 0
        }
        let text = String(decoding: data, as: UTF8.self)
        // After the name, which is in parentheses and may hold anything.
        let fields = text.split(separator: ")").last.map { $0.split(separator: " ") } ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            return 0
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
