import ArgumentParser
import Foundation
import Glibc

/// Feeds readers with what nobody would write.
///
/// docs/testing.md has what it is for.
@main
struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mitosis-fuzz",
        abstract:
            "Feeds every reader with changed inputs, and fails when one crashes, hangs or keeps growing."
    )

    @Option(help: "For how long, all targets together.") var seconds = 600.0
    @Option(help: "Ends each target after so many executions, if that is sooner.") var executions = Int.max
    @Option(help: "By how many MiB a target's memory may grow.") var growth = 48
    @Option(help: "Only this target; may be given several times.") var target: [String] = []
    @Option(
        help:
            "The seed of the first target; the others' follow from it. By chance, and printed, when left out."
    )
    var seed: UInt64?
    @Option(help: "How many targets at once.") var jobs = 2
    @Option(help: "The seeds' folder.") var corpus = #filePath.replacing("FuzzCommand.swift", with: "Corpus")
    @Option(help: "Where inputs that did harm are kept.") var kept = "out/fuzz"
    @Option(help: "Runs one target with this input, in this process.") var replay: String?
    @Flag(help: "Runs the targets with planted faults, and fails unless each is found.") var planted = false
    @Flag(help: "Prints the targets' names.") var list = false
    @Option(help: .hidden) var worker: String?
    @Option(help: .hidden) var folder = "/dev/shm"

    func run() throws {
        if list { return print(FuzzTarget.all.map(\.name).joined(separator: "\n")) }
        if let worker { return try work(worker) }
        let targets = try (planted ? FuzzTarget.planted.map(\.name) : target).map(named)
        if let replay { return try again(replay, targets) }
        try supervise(targets.isEmpty ? FuzzTarget.all : targets)
    }

    private func named(_ name: String) throws -> FuzzTarget {
        guard let found = FuzzTarget.named(name) else {
            throw ValidationError("there is no target '\(name)'; --list has them")
        }
        return found
    }

    private func work(_ name: String) throws {
        let page = try SharedPage(path: folder + "/page")
        try Worker(target: named(name), corpus: corpus, folder: folder, page: page)
            .run(seed: seed ?? 0, seconds: seconds, executions: executions)
    }

    private func again(_ path: String, _ targets: [FuzzTarget]) throws {
        guard let target = targets.first, targets.count == 1 else {
            throw ValidationError("--replay needs one --target")
        }
        let folder = "/dev/shm/mitosis-fuzz-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let page = try SharedPage(path: folder + "/page")
        let input = Array(try Data(contentsOf: URL(filePath: path)))
        let isPassed = try Worker(target: target, corpus: corpus, folder: folder, page: page).replay(input)
        try FileManager.default.removeItem(atPath: folder)
        print("\(target.name): \(isPassed ? "got past the first parser" : "refused")")
    }

    private func supervise(_ targets: [FuzzTarget]) throws {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let supervisor = Supervisor(
            program: program,
            corpus: corpus,
            kept: kept,
            faults: planted ? 1 : 3,
            executions: executions,
            growth: growth
        )
        let first = seed ?? UInt64.random(in: 0..<1 << 48)
        let share = seconds * Double(min(jobs, targets.count)) / Double(targets.count)
        say("seed \(first): \(targets.count) targets, \(Int(seconds)) s, \(jobs) at once")
        let outcomes = try Outcomes(targets.count)
        DispatchQueue.concurrentPerform(iterations: min(jobs, targets.count)) { lane in
            for index in stride(from: lane, to: targets.count, by: jobs) {
                do {
                    // Far enough apart for what a crash adds.
                    let seed = first &+ UInt64(index) << 8
                    let outcome = try supervisor.run(targets[index], seed: seed, seconds: share)
                    outcomes.set(index, outcome)
                    say(Self.line(outcome))
                    for fault in outcome.faults { say("  \(fault)") }
                } catch {
                    say("\(targets[index].name): \(error)")
                }
            }
        }
        try conclude(targets, outcomes.all)
    }

    private func conclude(_ targets: [FuzzTarget], _ outcomes: [Supervisor.Outcome?]) throws {
        let ended = outcomes.compactMap { $0 }
        let faulty = ended.filter { !$0.faults.isEmpty }
        say(
            "\(ended.map(\.executions).reduce(0, +)) executions, \(faulty.count) of \(targets.count) targets with faults"
        )
        if planted {
            guard faulty.count == targets.count else {
                say("a planted fault was not found")
                throw ExitCode(1)
            }
            return say("every planted fault was found")
        }
        guard ended.count == targets.count, faulty.isEmpty else { throw ExitCode(1) }
    }

    private static func line(_ outcome: Supervisor.Outcome) -> String {
        let share = Int(outcome.share * 1000)
        return "\(outcome.target): seed \(outcome.seed), \(outcome.executions) executions, "
            + "\(share / 10).\(share % 10) % past the first parser, memory \(outcome.memoryAtStart >> 10) -> "
            + "\(outcome.memoryAtEnd >> 10) MiB, \(outcome.faults.isEmpty ? "ok" : "FAULTS")"
    }
}

/// A line at once, from whichever thread.
private func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

/// What the lanes found.
///
/// `@unchecked Sendable`: every access holds the lock.
private final class Outcomes: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Supervisor.Outcome?]

    init(_ count: Int) throws { values = Array(repeating: nil, count: count) }

    func set(_ index: Int, _ outcome: Supervisor.Outcome) { lock.withLock { values[index] = outcome } }

    var all: [Supervisor.Outcome?] { lock.withLock { values } }
}
