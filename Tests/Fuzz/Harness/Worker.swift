import FoundationEssentials
import Glibc
import TestSupport

/// Runs one target in this process until the time is up, or the process ends of an input.
struct Worker {
    private static let pool = 64

    let target: FuzzTarget
    let corpus: String
    let folder: String
    let page: SharedPage

    /// Ends after so many seconds or executions, whichever come first.
    func run(seed: UInt64, seconds: Double, executions: Int) throws {
        let body = try target.prepare(folder)
        let seeds = try target.seeds(in: corpus).map(\.content)
        guard !seeds.isEmpty else {
            throw SharedPage.Failure(description: "\(target.name): no seeds in \(corpus)/\(target.corpus)")
        }
        for (number, seed) in seeds.enumerated() {
            page.input = seed
            guard try body(seed) else {
                throw SharedPage.Failure(description: "\(target.name): seed \(number) is not valid")
            }
        }
        var mutator = Mutator(
            limit: SharedPage.limit,
            style: target.style,
            random: SplitMix64(seed: seed)
        )
        /// Valid inputs that were made from the seeds, to go further from.
        var found: [[UInt8]] = []
        let begin = ContinuousClock.now
        let end = begin + .seconds(seconds)
        let warm = begin + .seconds(seconds / 5)
        var count = 0
        while ContinuousClock.now < end, count < executions {
            let isFresh = found.isEmpty || Int.random(in: 0..<4, using: &mutator.random) != 0
            let start = (isFresh ? seeds : found).randomElement(using: &mutator.random) ?? []
            var input = mutator.mutate(start, with: seeds)
            if let mend = target.mend, Bool.random(using: &mutator.random) { input = mend(input) }
            page.input = input
            let isPassed = try body(input)
            count += 1
            page[.executions] = count
            if isPassed {
                page[.passed] += 1
                if input.count < 32 << 10 {
                    if found.count < Self.pool {
                        found.append(input)
                    } else {
                        found[Int.random(in: 0..<Self.pool, using: &mutator.random)] = input
                    }
                }
            }
            if count % 64 == 0 {
                page[.memoryNow] = Self.memory()
                if page[.memoryAtStart] == 0, ContinuousClock.now > warm || count > executions / 5 {
                    page[.memoryAtStart] = page[.memoryNow]
                }
            }
        }
        page[.memoryNow] = Self.memory()
        if page[.memoryAtStart] == 0 { page[.memoryAtStart] = page[.memoryNow] }
    }

    /// One input again.
    func replay(_ input: [UInt8]) throws -> Bool { try target.prepare(folder)(input) }

    /// KiB that the process holds.
    private static func memory() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4 : 0
    }
}
