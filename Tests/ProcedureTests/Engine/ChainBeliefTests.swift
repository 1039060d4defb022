import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import TestSupport
import Testing

@Suite("What is believed of the chains that hosts keep")
struct ChainBeliefTests {
    private let hosts = (1...5).compactMap { HostName("h\($0)") }

    private static func chain(_ steps: [String], run: String = "run-1") throws -> [ChainLink] {
        let record = RunRecord(
            id: try #require(RunID(run)),
            plan: "model",
            planDigest: "digest",
            startedAt: 1,
            survey: Survey(files: []),
            epoch: FencingEpoch(1)
        )
        let beginning = ChainBeginning(record, planText: "name: model", inventoryText: nil)
        let entries =
            [.began(run: beginning)]
            + steps.flatMap { step -> [ChainEntry] in
                [
                    .intent(step: StepID(step), attempt: 1, commands: [], at: 2),
                    .verdict(step: StepID(step), attempt: 1, verdict: .done(observed: "seen"), at: 3),
                ]
            }
        return try links(entries)
    }

    private static func links(_ entries: [ChainEntry]) throws -> [ChainLink] {
        try entries.reduce(into: []) { links, entry in
            links.append(ChainLink(after: links.last?.head, content: try entry.content))
        }
    }

    private func belief(_ answers: [ChainAnswer]) -> ChainBelief {
        ChainBelief(of: hosts, Dictionary(zip(hosts, answers)) { first, _ in first })
    }

    @Test("what all keep is believed, and nothing is said of anybody")
    func agreement() throws {
        let links = try Self.chain(["a", "b"])
        let belief = belief([ChainAnswer](repeating: .held(links: links), count: 5))
        #expect(belief.links == links && belief.remarks.isEmpty && belief.majority == 3)
        #expect(try ChainedRun(belief.links).history.done == ["a", "b"])
    }

    @Test(
        "a liar is named with the entry and what the others say; who lags behind, is silent, damaged or old is told too"
    )
    func liar() throws {
        let links = try Self.chain(["a", "b"])
        var lie = Array(links[..<4])
        let other = ChainEntry.verdict(step: "b", attempt: 1, verdict: .failed(reason: "no"), at: 3)
        lie.append(ChainLink(after: lie[3].head, content: try other.content))
        let belief = belief([
            .held(links: links), .held(links: lie), .held(links: links), .held(links: Array(links[..<2])),
            .held(links: links),
        ])
        #expect(belief.links == links)
        #expect(Set(belief.remarks.keys) == [hosts[1], hosts[3]])
        #expect(
            belief.remarks[hosts[1]]
                == .differs(number: 4, says: "b, attempt 1, failed", believed: "b, attempt 1, was done")
        )
        #expect(belief.remarks[hosts[3]] == .behind(count: 3))
        #expect(belief.lines.first?.hasPrefix("h2: DISAGREES from entry 4 on") == true)

        let few = self.belief([
            .held(links: links), .silent(reason: "gone"), .held(links: links), .damaged(reason: "a bit"),
            .held(links: links),
        ])
        #expect(few.links == links && few.remarks.count == 2)
    }

    @Test("what only a minority keeps is not believed, and said; with no majority at all nothing is")
    func minority() throws {
        let links = try Self.chain(["a", "b"])
        let short = Array(links[..<3])
        let ahead = belief([
            .held(links: links), .held(links: links), .held(links: short), .outdated, .nothing,
        ])
        #expect(ahead.links == short)
        #expect(ahead.remarks[hosts[0]] == .ahead(count: 2) && ahead.remarks[hosts[2]] == nil)

        let silent = belief([.held(links: links), .held(links: links), .outdated, .nothing])
        #expect(silent.links.isEmpty && silent.lines.count == 5)
    }

    @Test("whatever a liar's entry holds, what is said of it is one printable line")
    func hostile() throws {
        let links = try Self.chain(["a"])
        for text in [HostileText.all, "a\n  !!  h1: DISAGREES"] {
            let entry = ChainEntry.intent(step: StepID(text), attempt: 1, commands: [], at: 2)
            let lie = [links[0], ChainLink(after: links[0].head, content: try entry.content)]
            let lines = belief([
                .held(links: links), .held(links: lie), .held(links: links), .held(links: links),
            ]).lines
            #expect(lines.count == 2 && lines[0].hasPrefix("h2: DISAGREES from entry 1 on"))
            #expect(!lines[0].contains("\n") && HostileText.offences(in: lines[0]).isEmpty)
        }
    }

    @Test("of two runs without a majority neither is believed, of one with a majority that one")
    func twoRuns() throws {
        let (one, two) = (try Self.chain(["a"]), try Self.chain(["a"], run: "run-2"))
        let split = belief([
            .held(links: one), .held(links: one), .held(links: two), .held(links: two), .nothing,
        ])
        #expect(split.links.isEmpty)
        let most = belief([
            .held(links: one), .held(links: two), .held(links: two), .held(links: two), .nothing,
        ])
        #expect(most.links == two)
        guard case .differs(number: 0, _, _)? = most.remarks[hosts[0]] else {
            Issue.record("\(most.lines)")
            return
        }
    }

    @Test("whatever a minority says, what a majority keeps is believed, and nothing beyond it")
    func anything() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = SplitMix64(seed: seed)
        let links = try Self.chain(["a", "b", "c", "d"])
        for _ in 0..<300 {
            let lengths = (0..<3).map { _ in Int.random(in: 0...links.count, using: &random) }
            var answers = lengths.map { ChainAnswer.held(links: Array(links[..<$0])) }
            for _ in 0..<2 {
                let kept = Int.random(in: 0...links.count, using: &random)
                var lie = Array(links[..<kept])
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    let content = Data([UInt8.random(in: 0...255, using: &random)])
                    lie.append(ChainLink(after: lie.last?.head, content: content))
                }
                answers.append(.held(links: lie))
            }
            answers.shuffle(using: &random)
            let believed = belief(answers).links
            #expect(believed == Array(links[..<believed.count]), "seed \(seed)")
            #expect(believed.count >= (lengths.min() ?? 0), "seed \(seed)")
        }
    }

    @Test("no run is made of a chain that contradicts itself, has a gap or is of a later format")
    func contradictions() throws {
        let beginning = try Self.chain([])
        let intent = ChainEntry.intent(step: "a", attempt: 1, commands: [], at: 1)
        let verdict = ChainEntry.verdict(step: "a", attempt: 1, verdict: .done(observed: ""), at: 1)
        for wrong in [[verdict], [intent, intent], [.omitted(bytes: 7)]] as [[ChainEntry]] {
            var links = beginning
            for entry in wrong {
                links.append(ChainLink(after: links.last?.head, content: try entry.content))
            }
            #expect(throws: ChainProblem.self) { try ChainedRun(links) }
        }
        #expect(throws: ChainProblem.self) { try ChainedRun([]) }
        #expect(throws: ChainProblem.self) { try ChainedRun(Self.links([intent])) }
        let text = String(decoding: beginning[0].content, as: UTF8.self)
        let later = Data(text.replacing(#""format":1"#, with: #""format":2"#).utf8)
        #expect(throws: ChainProblem.self) {
            try ChainedRun([ChainLink(number: 0, previous: nil, content: later)])
        }
    }
}
