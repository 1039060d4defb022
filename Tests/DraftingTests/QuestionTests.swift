import ControlProtocol
import Drafting
import Fleet
import Settings
import TestSupport
import Testing
import Topology

@Suite("What a draft asks")
struct QuestionTests {
    private func host(_ text: String) throws -> HostName { try #require(HostName(text)) }

    /// The questions, after it was seen that the plan's reader refuses each of them by its line.
    private func questions(
        _ scene: Scene,
        _ change: (inout DraftWishes) -> Void = { _ in }
    ) throws -> [String] {
        let file = try scene.draft(change)
        let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
        let document = try YAMLDocument(bytes: Array(file.text.utf8), file: "p")
        do throws(PlanError) {
            _ = try PlanReader.read(document)
            #expect(file.questions.isEmpty)
        } catch {
            guard case .invalid(let problems) = error else { throw error }
            let open = problems.filter { if case .openQuestion = $0.fault { true } else { false } }
            #expect(open.count == file.questions.count)
            for problem in open { #expect(lines[problem.line - 1].hasPrefix("  - \"")) }
        }
        return file.questions
    }

    private func twoClusters() -> Scene {
        var scene = Scene.usual
        scene.add("k9", Scene.Broker(id: 9, connect: "198.51.100.13:2181/other"))
        scene.lines["k9"] = "address: 198.51.100.39"
        return scene
    }

    @Test("of two clusters on the source, both are named, and --kafka answers")
    func clusters() throws {
        #expect(
            try questions(twoClusters()) == [
                "which Kafka cluster moves? the source has /kafka (k1, k2) and /other (k9). `mitosis init` again with --kafka "
                    + "and its chroot, or '/' for none."
            ]
        )
        let file = try twoClusters().draft { $0.chroot = "/other" }
        #expect(file.questions.isEmpty)
        let kafka = try #require(try Scene.plan(file).kafka)
        #expect(kafka.chroot == "/other" && kafka.brokers.map(\.host.description) == ["k9"])
        #expect(try questions(twoClusters()) { $0.chroot = "/none" }.count == 1)
    }

    @Test(
        "of two ensembles that serve, the one that brokers use is the source; where both are used, nothing is guessed"
    )
    func ensembles() throws {
        var scene = Scene.usual
        let lines = (1...3).map { "server.\($0)=198.51.100.4\($0):2888:3888" }
        for number in 1...3 {
            scene.add("z\(number)", Scene.Server(id: number, members: lines))
            scene.lines["z\(number)"] = "address: 198.51.100.4\(number)"
        }
        let file = try scene.draft()
        #expect(file.questions.isEmpty, "\(file.questions)")
        #expect(try Scene.plan(file).source.map(\.host.description) == ["s1", "s2", "s3"])

        scene.brokers["k2"]?.connect = "198.51.100.41:2181/kafka"
        let asked = try questions(scene)
        #expect(asked.count == 1)
        #expect(
            asked.first
                == "which ensemble is the source? running are (s1, s2, s3) and (z1, z2, z3); brokers use 2 of them. "
                + "`mitosis init` again with --source and one of its hosts."
        )
        let source = try host("z2")
        let chosen = try scene.draft { $0.source = source }
        #expect(chosen.questions.isEmpty, "\(chosen.questions)")
        let plan = try Scene.plan(chosen)
        #expect(plan.source.map(\.host.description) == ["z1", "z2", "z3"])
        #expect(plan.brokers.map(\.host.description) == ["k2"])
        #expect(chosen.remarks.contains { $0.hasPrefix("k1: its broker uses 198.51.100.11:2181,") })
    }

    @Test("without brokers what moves is a question, which needs no other plan")
    func trees() throws {
        var scene = Scene.usual
        for name in ["k1", "k2"] { scene.brokers[name] = nil }
        let asked = try questions(scene)
        #expect(asked.count == 1 && asked.first?.hasPrefix("what moves? ") == true, "\(asked)")
        let remarks = try scene.draft().remarks
        #expect(
            remarks.count == 2 && remarks[0].hasPrefix("k1: neither a ZooKeeper nor a broker's file"),
            "\(remarks)"
        )
    }

    @Test("a server that no host is, and a host that does not answer, are asked about")
    func missing() throws {
        var scene = Scene.usual
        scene.silent = ["s3"]
        #expect(
            try questions(scene) == [
                "what is s3 to this plan? Its agent did not answer (nobody is there); `mitosis init` again when it does.",
                "which host is server 3 of the source, at 198.51.100.13? the others name it, and no host that answered is it: "
                    + "add it to the inventory, or wait for its agent, and `mitosis init` again.",
            ]
        )
        scene = .usual
        scene.silent = Set(scene.names)
        #expect(try questions(scene).count == scene.names.count + 2)
        let file = try scene.draft()
        #expect(file.text.contains("source:\n  servers: []\n"))
    }

    @Test("a source server with another view is named, and more silent hosts than anybody reads are counted")
    func views() throws {
        var scene = Scene.usual
        scene.servers["s3"]?.members = Array(Scene.sourceLines.dropFirst())
        let source = try host("s1")
        let asked = try questions(scene) { $0.source = source }
        #expect(
            asked.count == 1 && asked[0].contains("198.51.100.13? s3 has this address, and its own view"),
            "\(asked)"
        )
        scene = .usual
        for number in 0..<21 {
            scene.names.append("x\(number)")
            scene.silent.insert("x\(number)")
        }
        #expect(try questions(scene).map { $0.prefix(26) } == ["what are 21 hosts to this "])
    }

    @Test("a broker whose servers nobody knows is asked about, one of another ensemble left out")
    func strangers() throws {
        var scene = Scene.usual
        scene.brokers["k2"]?.connect = "zk.example:2181/kafka"
        let asked = try questions(scene)
        #expect(
            asked.count == 1
                && asked[0].hasPrefix("which ensemble does the broker of k2 use? zk.example:2181/kafka")
        )
    }

    @Test("two destinations are named, and --destination answers; a server that runs there is asked about")
    func destinations() throws {
        var scene = Scene.usual
        let lines = (7...9).map { "server.\($0)=198.51.100.5\($0):2888:3888" }
        for number in 7...9 {
            scene.add("e\(number)", Scene.Server(id: number, members: lines, isRunning: false, isEmpty: true))
            scene.lines["e\(number)"] = "address: 198.51.100.5\(number)"
        }
        let asked = try questions(scene)
        #expect(asked.count == 1 && asked[0].contains("(d1, d2, d3) and (e7, e8, e9)"), "\(asked)")
        let wish = Set(try ["e7", "e8", "e9"].map { try host($0) })
        let file = try scene.draft { $0.destination = wish }
        #expect(file.questions.isEmpty, "\(file.questions)")
        #expect(try Scene.plan(file).destination.map(\.id.value) == [7, 8, 9])

        let part = try questions(scene) { $0.destination = wish.filter { $0.description != "e9" } }
        #expect(
            part.count == 1 && part[0].contains("e9 has this address, and is not in --destination"),
            "\(part)"
        )

        scene.servers["e8"]?.isRunning = true
        let running = try questions(scene) { $0.destination = wish }
        #expect(running.count == 1 && running[0].contains("e8") && running[0].contains("runs"), "\(running)")
    }

    @Test("what the plan's reader would refuse is a question, with the lines of the text that is written")
    func refused() throws {
        var scene = Scene.usual
        for number in 1...3 {
            scene.servers["d\(number)"]?.members = (1...3).map { "server.\($0)=198.51.100.2\($0):2888:3888" }
            scene.servers["d\(number)"]?.id = number
        }
        let file = try scene.draft()
        #expect(file.questions.count == 3, "\(file.questions)")
        let line = try #require(
            file.text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex {
                $0.contains("host: s1")
            }
        )
        #expect(file.questions[0].contains("id 1 is already used on line \(line + 1)"), "\(file.questions)")
    }

    @Test("a file that cannot be used is named with its host")
    func files() throws {
        var scene = Scene.usual
        scene.servers["s1"]?.content = .unread(reason: "not allowed")
        let asked = try questions(scene)
        #expect(asked.count == 1)
        #expect(
            asked.first
                == "which client port has s1? /etc/zookeeper/conf/zoo.cfg cannot be read: not allowed. Without an answer it is "
                + "2181."
        )
        scene = .usual
        scene.servers["d2"]?.myid = 17
        #expect(try questions(scene).first?.contains("Its myid is 17, which no server line has.") == true)
    }

    @Test("a broker without an id, without a service of its own or beside a ZooKeeper is asked about")
    func brokers() throws {
        var scene = Scene.usual
        scene.brokers["k1"]?.id = nil
        #expect(try questions(scene).first?.hasPrefix("which broker.id has k1?") == true)
        scene.brokers["k1"]?.meta = "version=0\nbroker.id=1001\n"
        #expect(try Scene.plan(scene.draft()).brokers.map(\.id.value) == [2, 1001])
        scene = .usual
        scene.brokers["k2"]?.id = nil
        scene.brokers["k2"]?.overrides = nil
        let client = try scene.draft()
        #expect(
            client.questions.isEmpty && client.remarks.count == 1,
            "\(client.questions) \(client.remarks)"
        )
        #expect(
            client.remarks[0].hasPrefix(
                "k2: /etc/kafka/server.properties names a ZooKeeper, and no broker runs there"
            )
        )
        scene = .usual
        scene.add("s1", Scene.Broker(id: 7, connect: Scene.connect))
        #expect(try questions(scene).first?.hasPrefix("how does the broker of s1 move?") == true)
    }

    @Test("a client's file is not taken for the broker's when the broker's cannot be read")
    func unreadable() throws {
        var scene = Scene.usual
        scene.brokers["k2"]?.id = nil
        scene.brokers["k2"]?.config = "/etc/kafka/consumer.properties"
        scene.brokers["k2"]?.meta = "version=0\nbroker.id=2\n"
        let other = Sighting.File(
            path: "/etc/kafka/server.properties",
            outcome: .unread(reason: "not allowed")
        )
        scene.brokers["k2"]?.others = [other]
        let asked = try questions(scene)
        #expect(
            asked == [
                "which broker is on this host? k2: /etc/kafka/consumer.properties names a ZooKeeper and no broker.id, and "
                    + "/etc/kafka/server.properties cannot be read: not allowed: which of the two is the broker's? Say it by "
                    + "'config' in the inventory."
            ]
        )
        // One that says which broker it is needs no other.
        scene.brokers["k2"]?.id = 2
        #expect(try questions(scene).isEmpty)
    }

    @Test(
        "files that were not read for their number are a question, unless the inventory says which is meant"
    )
    func tooMany() throws {
        var scene = Scene.usual
        let others = (10...40).map { "/etc/app/\($0).properties" }
        let metas = (10...40).map { "/disk\($0)/meta.properties" }
        scene.brokers["k2"]?.others = (others + metas).map { Sighting.File(path: $0, outcome: .absent) }
        let sighting = try scene.sighting()
        let seen = try #require(sighting.hosts.first { $0.known.host.description == "k2" })
        guard case .status(let status) = seen.seen else {
            Issue.record("k2 is silent")
            return
        }
        let wanted = WantedFiles(status, seen.known)
        #expect(wanted.read.count == 16 && wanted.read.first == "/etc/kafka/server.properties")
        #expect(wanted.unread == Array(others.dropFirst(15)))
        scene.brokers["k2"]?.unread = wanted.unread
        let asked = try questions(scene)
        #expect(
            asked.count == 1
                && asked[0].hasPrefix(
                    "which file of k2 is its broker's? Its agent lists too many, and 16 were not read, "
                        + "/etc/app/25.properties for one"
                ),
            "\(asked)"
        )
        scene.lines["k2"] = "address: 198.51.100.32, role: zookeeper"
        let other = try #require(try scene.sighting().hosts.first { $0.known.host.description == "k2" })
        #expect(WantedFiles(status, other.known).unread.isEmpty)
        scene.lines["k2"] = "address: 198.51.100.32, role: kafka, config: /etc/app/39.properties"
        let told = try #require(try scene.sighting().hosts.first { $0.known.host.description == "k2" })
        let answered = WantedFiles(status, told.known)
        #expect(answered.read.first == "/etc/app/39.properties" && answered.unread.isEmpty)
    }

    @Test(
        "a server that runs on neither side is told; one with a joint view of the source's servers is a question"
    )
    func halfJoined() throws {
        var scene = Scene.usual
        let joint = Scene.sourceLines + ["server.7=198.51.100.57:2888:3888"]
        scene.add("e7", Scene.Server(id: 7, members: joint))
        scene.lines["e7"] = "address: 198.51.100.57"
        let other = (1...3).map { "server.\($0)=198.51.100.4\($0):2888:3888" }
        scene.add("z1", Scene.Server(id: 1, members: other))
        scene.lines["z1"] = "address: 198.51.100.41"
        let source = try host("s1")
        let asked = try questions(scene) { $0.source = source }
        #expect(
            asked.count == 1
                && asked[0].hasPrefix(
                    "are e7 servers of the source? They run with a view that has servers of it and is another (ids 1, 2, 3, 7)"
                ),
            "\(asked)"
        )
        let destination = Set(try ["d1", "d2", "d3"].map { try host($0) })
        let said = "z1: has a ZooKeeper that runs, and is on neither side; left out"
        for wish in [nil, destination] {
            let file = try scene.draft {
                $0.source = source
                $0.destination = wish
            }
            #expect(file.remarks == [said], "\(file.remarks)")
        }
    }

    @Test("a client port that no file states is a question")
    func ports() throws {
        var scene = Scene.usual
        scene.servers["s2"]?.settings = "tickTime=2000\ndataDir=/data\n"
        #expect(
            try questions(scene) == [
                "which client port has s2? Neither a clientPort nor its server line in /etc/zookeeper/conf/zoo.cfg says. "
                    + "Without an answer it is 2181."
            ]
        )
    }

    @Test(
        "hostile text of files reaches neither the plan nor a question as it is",
        arguments: HostileText.pieces
    )
    func hostile(_ piece: String) throws {
        var scene = Scene.usual
        scene.servers["s2"]?.config = "/etc/\(piece)zoo.cfg"
        scene.servers["d1"]?.service = "zk\(piece)"
        for name in ["k1", "k2"] { scene.brokers[name]?.connect = Scene.connect + piece + "z" }
        let file = try scene.draft()
        #expect(HostileText.offences(in: file.text).isEmpty)
        #expect(HostileText.offences(in: file.questions.joined()).isEmpty)
        #expect(file.questions.contains { $0.contains("on s2?") }, "\(file.questions)")
        #expect(file.questions.contains { $0.contains("on d1?") }, "\(file.questions)")
    }

    @Test("whatever text a file has, the plan reads back as it was, or asks")
    func property() throws {
        var random = SplitMix64(seed: 15)
        let letters = Array("ab/.-_ :#'\"\\{}[],&*!|>%@`?~=0é{\u{1B}\u{202E}\n")
        for _ in 0..<300 {
            let noise = String(
                (0..<Int.random(in: 1...8, using: &random)).map { _ in
                    letters.randomElement(using: &random) ?? "a"
                }
            )
            var scene = Scene.usual
            scene.servers["s1"]?.config = "/" + noise
            scene.brokers["k1"]?.config = "/x/\(noise).properties"
            let file = try scene.draft()
            guard file.questions.isEmpty else {
                #expect(
                    noise.contains { $0 == "\u{1B}" || $0 == "\u{202E}" || $0 == "\n" },
                    "\(file.questions)"
                )
                continue
            }
            let plan = try Scene.plan(file)
            #expect(plan.source[0].configPath == "/" + noise)
            #expect(plan.brokers[0].configPath == "/x/\(noise).properties")
        }
    }
}
