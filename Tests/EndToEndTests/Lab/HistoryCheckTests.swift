import LabKit
import Testing

@Suite("The history check")
struct HistoryCheckTests {
    static let session = "0x100"

    static func at(_ seconds: Double) -> Instant { Instant(monotonic: seconds, wall: 1000 + seconds) }

    static func path(_ number: Int) -> String { "/lab-destination/w-\(number)" }

    static func create(_ number: Int, _ outcome: Operation.Outcome, done: Double) -> Operation {
        Operation(
            number: number,
            kind: .create,
            path: path(number),
            outcome: outcome,
            invoked: at(done - 0.1),
            completed: at(done)
        )
    }

    static func set(_ number: Int, _ outcome: Operation.Outcome, version: Int? = nil) -> Operation {
        Operation(
            number: number,
            kind: .set,
            path: "/lab-destination/register",
            outcome: outcome,
            invoked: at(Double(number)),
            completed: at(Double(number)),
            version: version
        )
    }

    static func history(_ operations: [Operation], end: Double = 5, owner: String? = session) -> History {
        History(
            side: .destination,
            operations: operations,
            session: session,
            final: .init(at: at(end), session: session, owner: owner)
        )
    }

    static func server(_ name: String, _ numbers: [Int], register: Int? = nil) -> FinalTree {
        let tree = FinalTree.Tree(
            names: numbers.map(path),
            register: register.map { .init(value: String($0), version: $0) },
            ephemeral: .init(value: "0", version: 0, owner: session)
        )
        return FinalTree(server: name, trees: ["destination": tree])
    }

    static func check(
        _ history: History,
        own: [FinalTree],
        other: [FinalTree] = [],
        dividedAt: Double? = nil
    ) -> HistoryReport {
        HistoryCheck(history: history, own: own, other: other, dividedAt: dividedAt, window: nil).report()
    }

    static let twoWrites = [create(1, .ok, done: 1), create(2, .ok, done: 2)]

    @Test("a history that every server holds is clean")
    func clean() {
        let report = Self.check(
            Self.history(Self.twoWrites + [Self.set(2, .ok, version: 1)]),
            own: [Self.server("d1", [1, 2], register: 2), Self.server("d2", [1, 2], register: 2)]
        )
        #expect(report.isClean)
        #expect(report.acknowledged == 3)
    }

    @Test("an acknowledged write that one server does not have is lost")
    func lost() {
        let report = Self.check(
            Self.history(Self.twoWrites),
            own: [Self.server("d1", [1, 2]), Self.server("d2", [1])]
        )
        #expect(report.lost == [.init(path: Self.path(2), missingOn: ["d2"])])
        #expect(!report.isClean)
    }

    @Test("an unknown write may be there or not, but not on some servers only")
    func unknown() {
        let history = Self.history([Self.create(1, .ok, done: 1), Self.create(2, .unknown, done: 2)])
        let absent = Self.check(history, own: [Self.server("d1", [1]), Self.server("d2", [1])])
        #expect(absent.isClean && absent.unknown == 1 && absent.unknownThatHappened == 0)
        let present = Self.check(history, own: [Self.server("d1", [1, 2]), Self.server("d2", [1, 2])])
        #expect(present.isClean && present.unknownThatHappened == 1)
        let torn = Self.check(history, own: [Self.server("d1", [1, 2]), Self.server("d2", [1])])
        #expect(!torn.problems.isEmpty)
    }

    @Test("a refused write that is there, and one that nobody wrote, are problems")
    func phantom() {
        let history = Self.history([Self.create(1, .ok, done: 1), Self.create(2, .fail, done: 2)])
        #expect(!Self.check(history, own: [Self.server("d1", [1, 2])]).problems.isEmpty)
        #expect(!Self.check(history, own: [Self.server("d1", [1, 3])]).problems.isEmpty)
        #expect(Self.check(history, own: [Self.server("d1", [1])]).isClean)
    }

    @Test("a register behind its last acknowledged value is a lost write")
    func registerBehind() {
        let sets = [Self.set(1, .ok, version: 1), Self.set(2, .ok, version: 2), Self.set(3, .unknown)]
        let history = Self.history([Self.create(1, .ok, done: 1)] + sets)
        #expect(Self.check(history, own: [Self.server("d1", [1], register: 2)]).isClean)
        #expect(Self.check(history, own: [Self.server("d1", [1], register: 3)]).isClean)
        #expect(Self.check(history, own: [Self.server("d1", [1], register: 1)]).lost.count == 1)
        #expect(Self.check(history, own: [Self.server("d1", [1])]).lost.count == 1)
    }

    @Test("a register whose version falls is a problem")
    func registerBack() {
        let sets = [Self.set(1, .ok, version: 2), Self.set(2, .ok, version: 1)]
        let report = Self.check(
            Self.history([Self.create(1, .ok, done: 1)] + sets),
            own: [Self.server("d1", [1], register: 2)]
        )
        #expect(report.problems.count == 1)
    }

    @Test("the longest gap is found, in the run and in a window, and reaches to the end")
    func gaps() {
        let operations = [1.0, 2, 5, 6, 7.5].enumerated().map {
            Self.create($0.offset, .ok, done: $0.element)
        }
        func report(end: Double, _ window: ClosedRange<Double>) -> HistoryReport {
            HistoryCheck(
                history: Self.history(operations, end: end),
                own: [Self.server("d1", Array(0..<5))],
                other: [],
                window: window
            ).report()
        }
        #expect(report(end: 8, 1003...1003.5).longestGap == 3)
        #expect(report(end: 8, 1003...1003.5).gapInWindow == 3)
        #expect(report(end: 8, 1006.5...1007).gapInWindow == 1.5)
        #expect(report(end: 20, 1003...1004).longestGap == 12.5)
    }

    @Test("an unknown write does not end a gap")
    func unknownIsNoAcknowledgement() {
        let operations = [
            Self.create(1, .ok, done: 1), Self.create(2, .unknown, done: 2), Self.create(3, .ok, done: 4),
        ]
        #expect(Self.check(Self.history(operations), own: [Self.server("d1", [1, 3])]).longestGap == 3)
    }

    @Test("a write begun after the split must not be on the other side; one from before may")
    func mixing() {
        let history = Self.history(Self.twoWrites)
        let own = [Self.server("d1", [1, 2])]
        let before = Self.check(history, own: own, other: [Self.server("s1", [1])], dividedAt: 1001.5)
        #expect(before.isClean && before.mixingChecked)
        let after = Self.check(history, own: own, other: [Self.server("s1", [1, 2])], dividedAt: 1001.5)
        #expect(after.mixed == ["\(Self.path(2)) on s1"])
        #expect(!after.isClean)
    }

    @Test("a lost session, a lost ephemeral node and a history without an end are noticed")
    func sessions() {
        let own = [Self.server("d1", [1, 2])]
        #expect(!Self.check(Self.history(Self.twoWrites, owner: nil), own: own).ephemeralKept)
        let renewed = History(
            side: .destination,
            operations: Self.twoWrites,
            session: Self.session,
            final: .init(at: Self.at(5), session: "0x200", owner: "0x200")
        )
        #expect(!Self.check(renewed, own: own).sessionKept)
        let cut = History(side: .destination, operations: Self.twoWrites, session: Self.session, final: nil)
        #expect(!Self.check(cut, own: own).isClean)
    }

    @Test("nothing written, nothing read and an unreadable server are not clean")
    func empty() {
        #expect(!Self.check(Self.history([]), own: [Self.server("d1", [])]).isClean)
        #expect(!Self.check(Self.history(Self.twoWrites), own: []).isClean)
        let dead = FinalTree(server: "d2", trees: nil, error: "refused")
        #expect(!Self.check(Self.history(Self.twoWrites), own: [Self.server("d1", [1, 2]), dead]).isClean)
    }

    @Test("a log is read line by line, and a broken line is named")
    func reading() throws {
        let log = """
            {"event": "start", "side": "destination", "at": {"monotonic": 1, "wall": 2}}
            {"event": "session", "state": "CONNECTED", "session": "0x1", "at": {"monotonic": 1, "wall": 2}}
            {"event": "ready", "session": "0x1", "at": {"monotonic": 1, "wall": 2}}
            {"invoked": {"monotonic": 1, "wall": 2}, "completed": {"monotonic": 3, "wall": 4}, \
            "event": "operation", "number": 1, "kind": "create", "path": "/x", "outcome": "ok"}
            {"event": "final", "session": "0x1", "owner": null, "at": {"monotonic": 1, "wall": 2}}

            """
        let history = try History(side: .destination, reading: log, from: "a.jsonl")
        #expect(history.operations.count == 1)
        #expect(history.session == "0x1")
        #expect(history.final?.owner == nil)
        let error = #expect(throws: LabError.self) {
            try History(side: .destination, reading: log + "{\"event\": \"opera", from: "a.jsonl")
        }
        #expect(error?.description.contains("line 6") == true)
    }
}
