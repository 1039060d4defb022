import ControlProtocol
import Testing

@testable import HostControl

@Suite("What a logged transaction does to nodes")
struct TransactionBodyTests {
    private struct Told: Equatable {
        let change: TransactionBody.Change
        let path: String
    }

    private func read(_ type: Int32, _ body: [UInt8]) throws -> (told: [Told], isKnown: Bool) {
        let content = LoggedBytes.content(5, type, body)
        let transaction = try #require(TransactionBody(content[...]))
        var told: [Told] = []
        let isKnown = transaction.changes { change, path in
            told.append(Told(change: change, path: String(decoding: path, as: UTF8.self)))
        }
        return (told, isKnown)
    }

    static let namingKinds: [(Int32, TransactionBody.Change)] = [
        (1, .write(.create)), (15, .write(.create)), (19, .write(.create)), (21, .write(.create)),
        (2, .write(.delete)), (5, .write(.setData)), (7, .write(.setACL)), (20, .expiry),
    ]

    @Test("every kind that names a node names it first", arguments: namingKinds)
    func kinds(_ type: Int32, _ change: TransactionBody.Change) throws {
        let read = try read(type, LoggedBytes.node("/app/n"))
        #expect(read.isKnown && read.told == [Told(change: change, path: "/app/n")])
    }

    @Test("what changes no node of a tree is known and tells nothing", arguments: [Int32(-1), -10, 13, 16])
    func silent(_ type: Int32) throws {
        let read = try read(type, [0, 0, 0, 0])
        #expect(read.isKnown && read.told.isEmpty)
    }

    @Test("a session's end names what ended with it, where it is logged; a digest is no list")
    func sessionsEnd() throws {
        let paths = DataBytes.big(2, 4) + LoggedBytes.text("/app/a") + LoggedBytes.text("/b")
        let digest: [UInt8] = DataBytes.big(2, 4) + DataBytes.big(0x1234_5678_9ABC_DEF0, 8)
        #expect(
            try read(-11, paths + digest).told == [
                Told(change: .expiry, path: "/app/a"), Told(change: .expiry, path: "/b"),
            ]
        )
        for body in [[], digest, DataBytes.big(0, 4), [0, 0]] {
            let read = try read(-11, body)
            #expect(read.isKnown && read.told.isEmpty, "\(body)")
        }
    }

    @Test("a transaction of several tells each of them, one that failed none")
    func several() throws {
        let whole = LoggedBytes.multi([
            (1, LoggedBytes.node("/app/a")), (13, LoggedBytes.node("/c")), (2, LoggedBytes.node("/d")),
        ])
        let read = try read(14, whole)
        #expect(read.isKnown)
        #expect(
            read.told == [
                Told(change: .write(.create), path: "/app/a"), Told(change: .write(.delete), path: "/d"),
            ]
        )
        let failed = LoggedBytes.multi([
            (1, LoggedBytes.node("/app/a")), (-1, [0, 0, 0, 0]), (-1, [255, 255, 255, 254]),
        ])
        let nothing = try self.read(14, failed)
        #expect(nothing.isKnown && nothing.told.isEmpty)
    }

    private static let nested = LoggedBytes.multi([(1, LoggedBytes.node("/a"))])

    static let odd: [(Int32, [UInt8])] = [
        (1, []), (1, [0, 0, 0]), (1, [0, 0, 0, 9, 47]), (1, [0x7F, 0xFF, 0xFF, 0xFF, 47]),
        (1, [0xFF, 0xFF, 0xFF, 0xFF]), (1, [0, 0, 0, 0]), (99, [0, 0, 0, 1, 47]), (14, []),
        (14, [0x7F, 0xFF, 0xFF, 0xFF]), (14, [0xFF, 0xFF, 0xFF, 0xFF]),
        (14, LoggedBytes.multi([(14, nested)])), (14, nested.dropLast()),
    ]

    @Test("what has another form is not known, whatever its lengths say", arguments: odd)
    func unknown(_ type: Int32, _ body: [UInt8]) throws {
        #expect(try !read(type, body).isKnown)
    }

    @Test("a record too short for a header is none")
    func short() {
        #expect(TransactionBody([UInt8](repeating: 0, count: 31)[...]) == nil)
        #expect(TransactionBody([UInt8](repeating: 0, count: 32)[...]) != nil)
    }
}
