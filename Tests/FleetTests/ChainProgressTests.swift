import ControlProtocol
import Fleet
import FoundationEssentials
import Testing

@Suite("What a host is sent of a run's chain")
struct ChainProgressTests {
    private let links: [ChainLink]
    private let run: RunID

    init() throws {
        run = try #require(RunID("run-1"))
        links = ["a", "b", "c"].reduce(into: []) { links, text in
            links.append(ChainLink(after: links.last?.head, content: Data(text.utf8)))
        }
    }

    private func state(_ head: ChainHead?, _ problem: String? = nil) -> ChainState {
        ChainState(run: run, head: head, problem: problem)
    }

    @Test("it is asked first, sent what is missing, and then nothing until the chain grows")
    func growing() {
        var host = ChainProgress()
        let two = Array(links[..<2])
        #expect(host.next(of: two) == .send(entries: [], replacing: false))
        #expect(host.answered(ChainState(run: nil, head: nil), of: run, two) == nil)
        #expect(host.next(of: two) == .send(entries: two, replacing: false))
        #expect(host.answered(state(two[1].head), of: run, two) == nil)
        #expect(host.held == 2 && host.next(of: two) == .nothing)
        #expect(host.next(of: links) == .send(entries: [links[2]], replacing: false))
        host.lost()
        #expect(host.held == nil && host.next(of: links) == .send(entries: [], replacing: false))
        #expect(host.answered(state(links[2].head), of: run, links) == nil)
        #expect(host.next(of: links) == .nothing)
    }

    @Test(
        "what is damaged, differs or goes further is replaced from the beginning, and told; another run's is not told"
    )
    func replacing() {
        let other = ChainLink(after: links[0].head, content: Data("x".utf8))
        let further = ChainLink(after: links[2].head, content: Data("y".utf8))
        let cases: [(ChainState, ChainProgress.Remark?)] = [
            (state(nil, "damaged"), .damaged(reason: "damaged")), (state(other.head), .differs(head: 1)),
            (state(further.head), .differs(head: 3)),
            (ChainState(run: RunID("run-2"), head: further.head), nil),
        ]
        for (answer, remark) in cases {
            var host = ChainProgress()
            #expect(host.answered(answer, of: run, links) == remark)
            #expect(host.next(of: links) == .send(entries: links, replacing: remark != nil))
            #expect(host.answered(state(links[2].head), of: run, links) == nil)
            #expect(host.next(of: links) == .nothing)
        }
    }

    @Test("what a host does not keep is told, and it is not taken to keep it")
    func full() {
        var host = ChainProgress()
        _ = host.answered(state(links[0].head), of: run, links)
        #expect(host.answered(state(links[0].head, "full"), of: run, links) == .notKept(reason: "full"))
        #expect(host.held == 1)
    }
}
