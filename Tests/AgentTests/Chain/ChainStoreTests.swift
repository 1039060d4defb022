import ControlProtocol
import FoundationEssentials
import SystemCalls
import TestSupport
import Testing

@testable import AgentServer

@Suite("A run's chain on an agent's disk")
struct ChainStoreTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var path: String { directory.path + "/entries.jsonl" }

    private func open() throws -> ChainStore { try ChainStore(directory: directory.path) }

    private func run(_ text: String = "run-1") throws -> RunID { try #require(RunID(text)) }

    static func links(_ contents: String...) -> [ChainLink] { links(contents) }

    private static func links(_ contents: [String]) -> [ChainLink] {
        contents.reduce(into: []) { links, text in
            links.append(ChainLink(after: links.last?.head, content: Data(text.utf8)))
        }
    }

    private func content() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    @Test("entries are kept in their order and survive the agent; what is there already is fine")
    func kept() throws {
        let links = Self.links("a", "b", "c")
        #expect(try open().state() == ChainState(run: nil, head: nil))
        #expect(try open().take(Array(links[..<2]), of: run(), replacing: false).head == links[1].head)
        let again = try open()
        #expect(again.state() == ChainState(run: try run(), head: links[1].head))
        #expect(try again.take(Array(links[1...]), of: run(), replacing: false).head == links[2].head)
        #expect(try again.take(links, of: run(), replacing: false).head == links[2].head)
        #expect(try open().read(from: 0) == links)
        #expect(try open().read(from: 2) == [links[2]])
        #expect(try open().read(from: 3).isEmpty)
    }

    @Test("what does not continue the chain is not kept, and the answer says where the chain ends")
    func gaps() throws {
        let store = try open()
        let links = Self.links("a", "b", "c", "d")
        #expect(try store.take([links[1]], of: run(), replacing: false) == ChainState(run: nil, head: nil))
        _ = try store.take(Array(links[..<2]), of: run(), replacing: false)
        #expect(try store.take([links[3]], of: run(), replacing: false).head == links[1].head)
        let other = Self.links("a", "x", "c")
        #expect(try store.take(other, of: run(), replacing: false).head == links[1].head)
        #expect(try store.take([links[2], links[2]], of: run(), replacing: false).problem != nil)
        #expect(try store.read(from: 0) == Array(links[..<2]))
    }

    @Test("only entry 0 begins another run's chain, and the one before is kept beside it")
    func anotherRun() throws {
        let store = try open()
        let (links, others) = (Self.links("a", "b"), Self.links("x", "y"))
        _ = try store.take(links, of: run(), replacing: false)
        let old = try content()
        #expect(try store.take([others[1]], of: run("run-2"), replacing: false).head == links[1].head)
        #expect(try store.take(others, of: run("run-2"), replacing: false).head == others[1].head)
        #expect(try open().state() == ChainState(run: try run("run-2"), head: others[1].head))
        #expect(try Array(Data(contentsOf: URL(filePath: directory.path + "/previous"))) == old)
    }

    @Test("a chain of the same run is replaced only when that is asked for, and from entry 0")
    func replaced() throws {
        let store = try open()
        let (links, others) = (Self.links("a", "b"), Self.links("a", "x", "y"))
        _ = try store.take(links, of: run(), replacing: false)
        #expect(try store.take(Array(others[1...]), of: run(), replacing: true).head == links[1].head)
        #expect(try store.take(others, of: run(), replacing: true).head == others[2].head)
        #expect(try open().read(from: 0) == others)
    }

    @Test(
        "wherever the writing of the last line was cut, the entries before it are there, and it can be sent again"
    )
    func torn() throws {
        let links = Self.links("a", "b", "c")
        _ = try open().take(links, of: run(), replacing: false)
        let whole = try content()
        let end = try #require(whole.dropLast().lastIndex(of: UInt8(ascii: "\n"))) + 1
        for length in end..<whole.count {
            _ = try directory.write("entries.jsonl", Array(whole[..<length]))
            let store = try open()
            #expect(store.state() == ChainState(run: try run(), head: links[1].head), "\(length)")
            #expect(try store.take([links[2]], of: run(), replacing: false).head == links[2].head)
            #expect(try content() == whole)
        }
    }

    @Test("a bit that flips anywhere else damages the chain: it says so, grows no more, and can be replaced")
    func everyByte() throws {
        let links = Self.links("a", "b", "c")
        _ = try open().take(links, of: run(), replacing: false)
        let whole = try content()
        for index in whole.indices.dropLast() {
            var flipped = whole
            flipped[index] ^= 1 << UInt8(index % 8)
            _ = try directory.write("entries.jsonl", flipped)
            let store = try open()
            #expect(store.state().problem != nil && store.state().head == nil, "byte \(index)")
            #expect(try store.read(from: 0).isEmpty, "byte \(index)")
            #expect(try store.take([links[2]], of: run(), replacing: false).problem != nil)
        }
        let store = try open()
        #expect(
            try store.take(links, of: run(), replacing: true) == ChainState(run: run(), head: links[2].head)
        )
    }

    @Test("lines that are missing in the middle or at the beginning are damage, whatever their checksums")
    func missing() throws {
        _ = try open().take(Self.links("a", "b", "c"), of: run(), replacing: false)
        let lines = try content().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        for index in lines.indices.dropLast() {
            var fewer = lines
            fewer.remove(at: index)
            _ = try directory.write("entries.jsonl", fewer.flatMap { $0 + [UInt8(ascii: "\n")] })
            #expect(try open().state().problem?.contains("does not continue") == true)
        }
    }

    @Test("what comes in one request is written at once, and is what is read then and after a restart")
    func atOnce() throws {
        let links = Self.links(Array(repeating: "a", count: ChainLimit.entries))
        let store = try open()
        _ = try store.take(Array(links[..<2]), of: run(), replacing: false)
        let before = try writes()
        #expect(try store.take(links, of: run(), replacing: false).head == links.last?.head)
        #expect(try writes() - before == 1)
        #expect(try store.read(from: 0) == links)
        #expect(try open().read(from: 0) == links)
        // A later one continues it.
        let next = ChainLink(after: links.last?.head, content: Data("b".utf8))
        #expect(try store.take([next], of: run(), replacing: false).head == next.head)
        #expect(try open().read(from: links.count) == [next])
    }

    @Test("a request has no more entries than a page: what a coordinator sends fits, and more is refused")
    func fewEntries() throws {
        let links = Self.links(Array(repeating: "a", count: 2 * ChainLimit.entries))
        let lease = try Sample.lease()
        try ChainRequest(lease: lease, entries: links.page).check()
        let error = #expect(throws: OutOfBounds.self) {
            try ChainRequest(lease: lease, entries: Array(links[...ChainLimit.entries])).check()
        }
        #expect(error?.description == "entries is 1001 long, not at most 1000")
    }

    /// How often this thread has written.
    private func writes() throws -> Int {
        let text = try String(contentsOf: URL(filePath: "/proc/thread-self/io"), encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("syscw: ") })
        return try #require(Int(line.dropFirst("syscw: ".count)))
    }

    @Test("a chain has its bound: what is beyond it is not kept, and says so")
    func bounded() throws {
        let store = try ChainStore(directory: directory.path, limit: 2000)
        var links = Self.links("a")
        while try store.take([links[links.count - 1]], of: run(), replacing: false).problem == nil {
            try #require(links.count < 100)
            links.append(ChainLink(after: links.last?.head, content: Data("b".utf8)))
        }
        #expect(store.state() == ChainState(run: try run(), head: links[links.count - 2].head))
        #expect(try content().count <= 2000)
        let large = ChainLink(number: 0, previous: nil, content: Data(count: ChainLimit.entry + 1))
        #expect(throws: OutOfBounds.self) { try large.check() }
    }
}
