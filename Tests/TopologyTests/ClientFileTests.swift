import Testing
import Topology

@Suite("files of clients that are no brokers")
struct ClientFileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let place: ConnectPlace
        let old: String
        let new: String

        init(_ name: String, _ place: ConnectPlace, _ old: String, _ new: String) {
            testDescription = name
            self.place = place
            self.old = old
            self.new = new
        }
    }

    private static func servers() throws -> [ConnectString.Server] {
        try #require(ConnectString("d1:2181,d2:2182")).servers
    }

    private static func rewritten(_ text: String, _ place: ConnectPlace) throws -> String {
        String(decoding: try ClientFile(Array(text.utf8), place).replacingServers(servers()), as: UTF8.self)
    }

    static let cases: [Case] = [
        Case(
            "a property, with its separator and line ends",
            .property(key: "zk"),
            "# a\r\nzk : s1:2181,s2:2181/app \r\nb=\u{e9}\r\n",
            "# a\r\nzk : d1:2181,d2:2182/app\r\nb=\u{e9}\r\n"
        ),
        Case(
            "a property that stands twice: the last counts",
            .property(key: "zk"),
            "zk=x:1\nzk s1\n",
            "zk=x:1\nzk d1:2181,d2:2182\n"
        ),
        Case(
            "a property over two lines",
            .property(key: "zk"),
            "zk=s1:1,\\\n  s2:2\nq=1\n",
            "zk=d1:2181,d2:2182\nq=1\n"
        ),
        Case(
            "a key with dots in simple YAML",
            .property(key: "a.b"),
            "a.b: s1:2181\n",
            "a.b: d1:2181,d2:2182\n"
        ),
        Case("a variable", .variable(name: "ZK"), "A=1\nZK=s1:2181/x\nB=2", "A=1\nZK=d1:2181,d2:2182/x\nB=2"),
        Case(
            "exported, in double quotes, with a comment behind",
            .variable(name: "ZK"),
            "export ZK=\"s1:2181\" # main\r\n",
            "export ZK=\"d1:2181,d2:2182\" # main\r\n"
        ),
        Case(
            "in single quotes, before another command",
            .variable(name: "ZK"),
            "  ZK='s1'; export ZK\n",
            "  ZK='d1:2181,d2:2182'; export ZK\n"
        ),
        Case(
            "in a unit, beside others",
            .variable(name: "ZK"),
            "[Service]\nEnvironment=A=1 ZK=s1:2181,s2:2181 B=2\n",
            "[Service]\nEnvironment=A=1 ZK=d1:2181,d2:2182 B=2\n"
        ),
        Case(
            "in a unit, the word in quotes",
            .variable(name: "ZK"),
            "Environment=\"J=-Da=b -Dc\" \"ZK=s1:2181/a\"\n",
            "Environment=\"J=-Da=b -Dc\" \"ZK=d1:2181,d2:2182/a\"\n"
        ),
        Case(
            "beside a longer name",
            .variable(name: "ZK"),
            "MYZK=a\nZK_2=b\nZK=s1\n",
            "MYZK=a\nZK_2=b\nZK=d1:2181,d2:2182\n"
        ),
        Case(
            "not in a comment",
            .variable(name: "ZK"),
            "#ZK=a\n; ZK=b\nZK=s1\n",
            "#ZK=a\n; ZK=b\nZK=d1:2181,d2:2182\n"
        ),
        Case(
            "a text in JSON and in a URL",
            .text(old: "s1:2181,s2:2181", becomes: nil),
            "{\"a\": \"s1:2181,s2:2181\", \"b\": \"zk://s1:2181,s2:2181/x\"}",
            "{\"a\": \"d1:2181,d2:2182\", \"b\": \"zk://d1:2181,d2:2182/x\"}"
        ),
        Case(
            "a text not inside longer names and lists",
            .text(old: "s1:2181", becomes: nil),
            "s1:21810 xs1:2181 s0,s1:2181 s1:2181,s2 <s1:2181>",
            "s1:21810 xs1:2181 s0,s1:2181 s1:2181,s2 <d1:2181,d2:2182>"
        ),
        Case(
            "a text with its replacement, over lines",
            .text(old: "<host>s1</host>\n <host>s2</host>", becomes: "<host>d1</host>"),
            "<zk>\n <host>s1</host>\n <host>s2</host>\n</zk>\n",
            "<zk>\n <host>d1</host>\n</zk>\n"
        ),
        Case("what is right already", .property(key: "zk"), "zk =d1:2181,d2:2182\n", "zk =d1:2181,d2:2182\n"),
    ]

    @Test("the place is rewritten, and not a byte besides", arguments: cases)
    func rewrites(_ one: Case) throws {
        let new = try Self.rewritten(one.old, one.place)
        #expect(new == one.new)
        if case .text = one.place { return }
        #expect(try Self.rewritten(new, one.place) == new)
    }

    @Test(
        "what cannot be read as its reader would is refused, with its line",
        arguments: [
            ("zk=\n", ConnectPlace.property(key: "zk"), "line 1: the value of the property zk"),
            ("a=1\n", .property(key: "zk"), "it has no property zk"),
            ("zk=s1:2181/a,s2:2181/a\n", .property(key: "zk"), "no list of host:port"),
            ("zk=${ZK}\n", .property(key: "zk"), "no list of host:port"),
            ("zk=\\u12\n", .property(key: "zk"), "line 1"),
            ("A=1\n", .variable(name: "ZK"), "it has no variable ZK"),
            ("ZK=a\nB=1\nZK=b\n", .variable(name: "ZK"), "on lines 1 and 3"),
            ("\nZK=$OTHER\n", .variable(name: "ZK"), "line 2: the value of the variable ZK is worked out"),
            (
                "ZK=\"a:1\nB=1\"\n", .variable(name: "ZK"),
                "line 1: the value of the variable ZK is worked out"
            ),
            ("ZK=a\"b\"\n", .variable(name: "ZK"), "worked out"),
            ("ZK=\"a\"b\n", .variable(name: "ZK"), "worked out"),
            ("ZK=`x`\n", .variable(name: "ZK"), "worked out"), ("ZK=a:x\n", .variable(name: "ZK"), "no list"),
            ("ZK=\n", .variable(name: "ZK"), "no list"),
            ("a s1:2181x\n", .text(old: "s1:2181", becomes: nil), "it has no text s1:2181"),
            ("\n<h>s1</h>", .text(old: "<h>s1</h>", becomes: nil), "line 2: the value of the text"),
        ]
    )
    func refuses(_ text: String, _ place: ConnectPlace, _ said: String) throws {
        let error = #expect(throws: ClientFileError.self) { try Self.rewritten(text, place) }
        let description = "\(error.map { "\($0)" } ?? "")"
        #expect(description.contains(said), "\(description)")
    }

    @Test("any bytes are read or refused, never more is changed than one stretch")
    func anyBytes() throws {
        let pieces = [
            "ZK", "=", "\"", "'", "s1:2181", ",", "\n", " ", "#", "Environment=", "export ", "\\", "\r", ";",
            "$", "é",
        ]
        let servers = try Self.servers()
        var rewritten = 0
        for _ in 0..<20_000 {
            let some = { (count: Int) in
                (0..<Int.random(in: 0...count)).map { _ in pieces.randomElement() ?? "" }.joined()
            }
            let text = some(5) + "ZK=" + some(6)
            let old = Array(text.utf8)
            let new: [UInt8]
            do throws(ClientFileError) {
                new = try ClientFile(old, .variable(name: "ZK")).replacingServers(servers)
            } catch {
                continue
            }
            rewritten += 1
            let head = zip(old, new).prefix { $0 == $1 }.count
            let tail = zip(old.reversed(), new.reversed()).prefix { $0 == $1 }.count
            let middle = String(
                decoding: new.dropFirst(min(head, new.count - tail)).dropLast(tail),
                as: UTF8.self
            )
            #expect("d1:2181,d2:2182".contains(middle), "\(text)")
        }
        #expect(rewritten > 100)
    }
}
