import TestSupport
import Testing
import Topology

private func configuration(_ text: String) throws -> ZooConfiguration {
    try ZooConfiguration(Array(text.utf8))
}

private func member(_ id: Int, _ address: String, _ role: Member.Role = .participant) throws -> Member {
    Member(
        id: try #require(ServerID(id)),
        address: address,
        quorumPort: try #require(Port(2888)),
        electionPort: try #require(Port(3888)),
        role: role
    )
}

@Suite("Reading zoo.cfg")
struct ZooConfigurationReadingTests {
    @Test("settings read as Java's Properties read them")
    func properties() throws {
        let read = try configuration(
            "# comment \\\nkey=not continued\n! another\n  a = 1  \nb:2\nc 3\n\td\t:\t4\ne\\=f=5\n"
                + "g=one,\\\n   two,\\\r\n\tthree\nh=\\u0041\\t|\\q\na=last\r\ni\nj=x\\\\\nk="
        )
        #expect(read["key"] == "not continued")
        #expect(read["a"] == "last")
        #expect(read["b"] == "2")
        #expect(read["c"] == "3")
        #expect(read["d"] == "4")
        #expect(read["e=f"] == "5")
        #expect(read["g"] == "one,two,three")
        #expect(read["h"] == "A\t|q")
        #expect(read["i"]?.isEmpty == true)
        #expect(read["j"] == "x\\")
        #expect(read["k"]?.isEmpty == true)
        #expect(read["absent"] == nil)
    }

    @Test("a backslash on a line of its own continues nothing, as in Java")
    func loneBackslash() throws {
        let text = "\\\n# comment\na=1\n \\\r\n\r\nb=\\\n\\\n#2\n"
        let read = try configuration(text)
        #expect(read["a"] == "1")
        #expect(read["b"] == "#2")
        #expect(read.content == Array(text.utf8))
        #expect(throws: ZooConfigurationError.danglingContinuation(line: 2)) {
            _ = try configuration("a=1\n\\")
        }
    }

    @Test("every form of a server line is understood")
    func servers() throws {
        let read = try configuration(
            """
            server.1=198.51.100.1:2888:3888
            server.2 = zk2.example:2888:3888:Observer
            server.3=[2001:db8::3]:2888:3888:participant;[2001:db8::3]:2182
            server.4:zk4:2888:3888;2181
            server.5=zk5:2888:3888:observer ;
            server.6=zk6:2888:3888:

            """
        )
        #expect(
            try read.members == [
                member(1, "198.51.100.1"), member(2, "zk2.example", .observer), member(3, "2001:db8::3"),
                member(4, "zk4"), member(5, "zk5", .observer), member(6, "zk6"),
            ]
        )
        #expect(read.servers[2].clientAddress == "2001:db8::3")
        #expect(read.servers[2].clientPort == Port(2182))
        #expect(read.servers[3].clientPort == Port(2181))
        #expect(read.servers[0].clientPort == nil)
    }

    @Test("what a file leaves out has ZooKeeper's defaults")
    func defaults() throws {
        let empty = try configuration("")
        #expect(empty.tickTime == 3000)
        #expect(empty.minSessionTimeout == 6000)
        #expect(empty.maxSessionTimeout == 60_000)
        #expect(empty.standaloneEnabled && empty.syncEnabled)
        #expect(!empty.reconfigEnabled && !empty.sslQuorum && !empty.quorumSASL && !empty.isObserver)
        #expect(empty.allowedFourLetterWords == nil)
        let full = try configuration(
            "tickTime=2000\nmaxSessionTimeout=90000\nclientPort=0\nsecureClientPort=2281\ndataDir=/a\nsyncEnabled=FALSE\n"
                + "peerType=Observer\n4lw.commands.whitelist=srvr, mntr,,*\nquorum.auth.enableSasl=true\n"
        )
        #expect(full.minSessionTimeout == 4000 && full.maxSessionTimeout == 90_000)
        #expect(full.clientPort == nil && full.secureClientPort == Port(2281))
        #expect(full.dataLogDir == "/a")
        #expect(!full.syncEnabled && full.isObserver && full.quorumSASL)
        #expect(full.allowedFourLetterWords == ["srvr", "mntr", "*"])
    }

    @Test(
        "what cannot be used is refused by name, with its line",
        arguments: [
            ("a=1\ngroup.1=1:2\n", "line 2: 'group.1' makes this a hierarchical quorum"),
            ("weight.1=1\n", "line 1: 'weight.1' makes this a hierarchical quorum"),
            ("server.1=a:2888:3888|b:2888:3888\n", "line 1: 'server.1' lists several addresses ('|')"),
            ("server.1=a:2888\n", "line 1: the value of 'server.1' is not host:quorumPort"),
            ("server.0=a:2888:3888\n", "line 1: the value of 'server.0' is not host"),
            ("server.x=a:2888:3888\n", "line 1: the value of 'server.x' is"),
            ("server.1=a:2888:3888:voter\n", "line 1: the value of 'server.1' is"),
            ("server.1=[zk1]:2888:3888\n", "line 1: the value of 'server.1' is"),
            ("server.1=2001:db8::1:2888:3888\n", "line 1: the value of 'server.1' is"),
            ("server.1=a:2888:3888;b;c\n", "line 1: the value of 'server.1' is"),
            ("server.1=a:2888:3888; 2181\n", "line 1: the value of 'server.1' is"),
            ("server.1=a: 2888:3888\n", "line 1: the value of 'server.1' is"),
            ("server.1=;\n", "line 1: the value of 'server.1' is"),
            ("server.1=\n", "line 1: the value of 'server.1' is"),
            (
                "server.1=a:2888:3888\n\nserver.1=b:2888:3888\n",
                "line 3: server.1 stands here for the second time"
            ),
            ("a=1\nb=\\u12g4\n", "line 2: \\u must be followed by four"),
            ("a=1\nb=2\\", "line 2: the file ends in a backslash"),
            ("clientPort=abc\n", "line 1: the value of 'clientPort' is not a port"),
            ("tickTime=2s\n", "line 1: the value of 'tickTime' is not a whole number"),
            ("reconfigEnabled=yes\n", "line 1: the value of 'reconfigEnabled' is not true or false"),
            ("peerType=voter\n", "line 1: the value of 'peerType' is not participant or observer"),
        ]
    )
    func refusals(_ text: String, _ expected: String) throws {
        let error = #expect(throws: ZooConfigurationError.self) { _ = try configuration(text) }
        let description = try #require(error).description
        #expect(description.hasPrefix(expected), "\(description)")
    }
}

@Suite("What errors of zoo.cfg repeat")
struct ZooConfigurationErrorTests {
    @Test("no value of the file, and nothing that a terminal would take for more than text")
    func values() throws {
        let texts = [
            "tickTime=s3cret\n", "clientPort=s3cret\n", "server.1=s3cret\n", "server.s3\u{9B}2J=s3cret\n",
            "sslQuorum=s3cret\n", "group.\u{1B}[2J=s3cret", "server.1=s3cret|x\n", "server.\\u202e=s3cret\n",
        ]
        for text in texts {
            let error = #expect(throws: ZooConfigurationError.self) {
                _ = try ZooConfiguration(Array(text.utf8))
            }
            let description = try #require(error).description
            #expect(!description.contains("s3cret"), "\(description)")
            #expect(HostileText.offences(in: description).isEmpty, "\(description)")
        }
    }
}

@Suite("Rewriting zoo.cfg")
struct ZooConfigurationRewritingTests {
    private let original = """
        # Ensemble of the billing team \u{e9}
        tickTime=2000
        server.4=198.51.100.4:2888:3888;2181
        # the spare
        server.5 = 198.51.100.5:2888:3888
        server.6=198.51.100.6:2888:3888

        dataDir=/var/lib/zookeeper

        """

    @Test("members join and leave; every other byte stays")
    func joins() throws {
        let joint = try (1...5).map { try member($0, "198.51.100.\($0)") }
        let rewritten = try configuration(original).replacingMembers(joint)
        #expect(
            String(decoding: rewritten.content, as: UTF8.self) == """
                # Ensemble of the billing team \u{e9}
                tickTime=2000
                server.4=198.51.100.4:2888:3888;2181
                # the spare
                server.5 = 198.51.100.5:2888:3888
                server.1=198.51.100.1:2888:3888
                server.2=198.51.100.2:2888:3888
                server.3=198.51.100.3:2888:3888

                dataDir=/var/lib/zookeeper

                """
        )
        #expect(Set(rewritten.members) == Set(joint))
    }

    @Test("the same members leave the file alone, to the byte")
    func unchanged() throws {
        let bytes =
            Array(original.utf8) + [0xe9, 0xff, 13, 13, 10] + Array("server.7=a:2888:3888:observer".utf8)
        let read = try ZooConfiguration(bytes)
        #expect(read.content == bytes)
        #expect(try read.replacingMembers(read.members.reversed()).content == bytes)
    }

    @Test(
        "line ends and a missing last one are kept",
        arguments: [
            ("a=1\r\nserver.1=a:2888:3888\r\n", "a=1\r\nserver.1=a:2888:3888\r\nserver.2=b:2888:3888\r\n"),
            ("a=1\nserver.1=a:2888:3888", "a=1\nserver.1=a:2888:3888\nserver.2=b:2888:3888"),
            ("server.1=a:2888:3888\n#end", "server.1=a:2888:3888\nserver.2=b:2888:3888\n#end"),
            ("server.1=\\\n  a:2888:3888\nb=1\n", "server.1=\\\n  a:2888:3888\nserver.2=b:2888:3888\nb=1\n"),
            (
                "server.2=x:2888:3888;2181\rserver.1=a:2888:3888\r",
                "server.2=b:2888:3888;2181\rserver.1=a:2888:3888\r"
            ),
            ("server.1=a:2888:3888\nserver.3=c:2888:3888", "server.1=a:2888:3888\nserver.2=b:2888:3888"),
        ]
    )
    func terminators(_ old: String, _ new: String) throws {
        let rewritten = try configuration(old).replacingMembers([member(1, "a"), member(2, "b")])
        #expect(String(decoding: rewritten.content, as: UTF8.self).utf8.elementsEqual(new.utf8))
    }

    @Test(
        "a member that changes keeps the client port at the end of its line",
        arguments: [";2181", ";0.0.0.0:2181", ";[2001:db8::1]:2181"]
    )
    func suffixes(_ suffix: String) throws {
        let old = try configuration("dataDir=/d\nserver.1=a:2888:3888\(suffix)\nserver.2=b:2888:3888\n")
        let new = try old.replacingMembers([member(1, "a", .observer), member(2, "b"), member(3, "c")])
        #expect(
            String(decoding: new.content, as: UTF8.self)
                == "dataDir=/d\nserver.1=a:2888:3888:observer\(suffix)\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n"
        )
        let id = try #require(ServerID(1))
        #expect(new.clientEndpoint(of: id)?.port == Port(2181))
        #expect(new.clientEndpoint(of: id)?.address == old.clientEndpoint(of: id)?.address)
    }

    @Test(
        "an IPv6 address for clients is the same with brackets",
        arguments: [
            ("[2001:db8::1]", "2001:db8::1"), ("2001:db8::1", "2001:db8::1"), ("[192.0.2.1]", "[192.0.2.1]"),
            ("[[::1]]", "[[::1]]"), ("zk1", "zk1"),
        ]
    )
    func brackets(_ written: String, _ read: String) throws {
        let file = try configuration("clientPort=2181\nclientPortAddress=\(written)\n")
        #expect(file.clientPortAddress == read)
        #expect(file.clientEndpoint(of: nil)?.address == read)
        let every = try configuration("clientPort=2181\nclientPortAddress=[::]\n")
        #expect(
            every.clientEndpoint(of: nil)?.address == nil && every.clientEndpoint(of: nil)?.port == Port(2181)
        )
    }

    @Test("a file without server lines gets them at its end")
    func appends() throws {
        let rewritten = try configuration("a=1\nb=2").replacingMembers([
            member(1, "2001:db8::1"), member(2, "b", .observer),
        ])
        #expect(
            String(decoding: rewritten.content, as: UTF8.self)
                == "a=1\nb=2\nserver.1=[2001:db8::1]:2888:3888\nserver.2=b:2888:3888:observer\n"
        )
    }

    @Test(
        "an address that would smuggle in another setting is refused",
        arguments: ["a\nb=1", "a;1", "a|b", "", "a b"]
    )
    func injection(_ address: String) throws {
        let old = try configuration("server.1=a:2888:3888\n")
        #expect(throws: ZooConfigurationError.self) {
            _ = try old.replacingMembers([member(1, address)])
        }
    }

    @Test("one setting changes where it stands and loses its repeats")
    func settings() throws {
        let old = try configuration("a=1\npeerType=participant\nb=2\npeerType = participant\r\nc=3")
        let new = try old.replacingSetting("peerType", with: "observer")
        #expect(
            String(decoding: new.content, as: UTF8.self).utf8.elementsEqual(
                "a=1\nb=2\npeerType=observer\r\nc=3".utf8
            )
        )
        let removed = try new.replacingSetting("peerType", with: nil)
        #expect(String(decoding: removed.content, as: UTF8.self) == "a=1\nb=2\nc=3")
        let added = try removed.replacingSetting("peerType", with: "observer")
        #expect(String(decoding: added.content, as: UTF8.self) == "a=1\nb=2\nc=3\npeerType=observer\n")
        #expect(try added.replacingSetting("peerType", with: "observer") == added)
    }
}
